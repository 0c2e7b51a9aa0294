import MessageBus

/// Where a node's commands come from, and what it remembers of those it has taken.
protocol CommandIntake: Sendable {
    /// The next commands, in order; empty once it is stopped.
    ///
    /// - Throws: `CancellationError`, or ``BusError``.
    func next(upTo limit: Int) async throws -> [Delivery]

    /// Returns once the commands will not come again.
    ///
    /// - Parameter spent: The attempts that begin by them, and those of which the node says that they never will: remembered
    ///   for as long as a dispatcher may ask.
    func settle(
        _ deliveries: [Delivery],
        spent: [AttemptKey],
        durability: Durability
    ) async throws(BusError)

    /// Whether the attempt has begun here before, perhaps in an earlier start of the worker, or was said never to begin.
    func isSpent(_ key: AttemptKey) -> Bool

    /// Whether an operator wants the node empty.
    var isDraining: Bool { get }

    /// - Throws: ``BusError`` if it cannot be remembered.
    func setDraining(_ isDraining: Bool) async throws(BusError)

    /// Takes nothing more; what is unsettled may be settled.
    func stop() async

    func close() async
}
