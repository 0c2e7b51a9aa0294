/// A bus whose consumers can own partitions, of several topics at once: for those that keep a state along with them.
///
/// Topics that are owned together have the same number of partitions. Who owns number *n* has partition *n* of each of
/// them, and is the only one in the group that has.
public protocol PartitionOwningBus: MessageBus {
    /// Joins the group as an owner.
    ///
    /// - Parameter member: Names the member over restarts: one that comes back in time gets its partitions back, and
    ///   nobody else is disturbed.
    func own(_ topics: [String], group: String, member: String) async throws(BusError) -> any PartitionOwnership

    /// As ``MessageBus/follow(_:from:)``, of some partitions only.
    ///
    /// The others count as caught up; `startEndOffsets` has them too.
    func follow(
        _ topic: String,
        only partitions: [Int],
        from offsets: [Int: Int64]
    ) async throws(BusError) -> any MessageFollower
}

/// What happens to an owner of partitions, in order.
public enum OwnershipEvent: Sendable, Equatable {
    /// The partitions are ours. Messages come once ``PartitionOwnership/begin(_:at:)`` says from where.
    case gained([Int])
    /// The partitions go to others once ``PartitionOwnership/release(_:)`` was called for each; nothing more of them comes.
    case leaving([Int])
    /// The partitions may be somebody else's already: nothing more may be published for them. Nothing more of them comes,
    /// and nothing is to be released.
    case lost([Int])
    case deliveries([Delivery])
}

/// One member of a group of owners.
public protocol PartitionOwnership: Sendable {
    /// What happens next, `nil` after ``close()``. Suspends while there is nothing. Deliveries of one partition of one
    /// topic come in order.
    ///
    /// - Parameter limit: Deliveries at most; at least 1.
    /// - Throws: `CancellationError`, or ``BusError``; nothing was taken then.
    func next(upTo limit: Int) async throws -> OwnershipEvent?

    /// Lets the messages of a gained partition come.
    ///
    /// - Parameter offsets: By topic, the first offset wanted; 0 for a topic that is missing. What retention has deleted
    ///   is skipped.
    /// - Throws: ``BusError``, `notHeld` if the partition is not ours (any more).
    func begin(_ partition: Int, at offsets: [String: Int64]) async throws(BusError)

    /// Lets partitions go that are leaving: everything that follows from what came of them is published.
    func release(_ partitions: [Int]) async

    /// Tells the group how far the owner has got, for ``MessageBus/lag(of:on:)`` only: sent along now and then.
    func note(_ next: Int64, of topic: String, partition: Int)

    /// Leaves the group. May be called again.
    func close() async
}
