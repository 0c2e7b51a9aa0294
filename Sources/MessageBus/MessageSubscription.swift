/// One member of a consumer group.
public protocol MessageSubscription: Sendable {
    /// The next deliveries, at least one, of one or several partitions; empty after ``stop()`` or ``close()``.
    ///
    /// Suspends while there is none. Messages of one partition come in order.
    /// - Parameter limit: At least 1. Take no more than there is room for.
    /// - Throws: `CancellationError`, or ``BusError``; nothing was taken then.
    func next(upTo limit: Int) async throws -> [Delivery]

    /// Settles deliveries for good. Allowed until ``close()``, in any order, and more than once.
    ///
    /// What the group has passed moves only over a settled prefix of a partition: a delivery settled before an earlier
    /// one may come again if the process ends in between.
    /// - Throws: ``BusError``, `closed` after ``close()``, `notHeld` for a delivery of somebody else.
    func acknowledge(_ deliveries: [Delivery], durability: Durability) async throws(BusError)

    /// Takes nothing more, so that the member can drain. Unsettled deliveries stay with it, and may be settled.
    ///
    /// Its other partitions go to the rest of the group.
    func stop() async

    /// Leaves the group and gives every unsettled delivery back to it. May be called again.
    func close() async
}

extension MessageSubscription {
    /// Settles deliveries; should the power fail just now, they may come again.
    public func acknowledge(_ deliveries: [Delivery]) async throws(BusError) {
        try await self.acknowledge(deliveries, durability: .relaxed)
    }

    public func acknowledge(_ delivery: Delivery) async throws(BusError) {
        try await self.acknowledge([delivery], durability: .relaxed)
    }
}

/// Reads all of a topic, on its own.
public protocol MessageFollower: Sendable {
    /// The end of each partition when following began: what lies before it is the past, by partition from 0.
    var startEndOffsets: [Int64] { get }

    /// The next deliveries, at least one; empty after ``close()``. Suspends while there is none.
    ///
    /// - Parameter limit: At least 1.
    /// - Throws: `CancellationError`, or ``BusError``; nothing was taken then.
    func next(upTo limit: Int) async throws -> [Delivery]

    /// Returns once everything that existed when following began has been dealt with: it was handed out, or deleted, and
    /// ``next(upTo:)`` was called again. Also after ``close()``.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    func waitUntilCaughtUp() async throws

    /// May be called again.
    func close() async
}
