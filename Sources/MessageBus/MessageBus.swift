/// Topics of ordered, durable messages, with competing consumers and at-least-once delivery.
///
/// A topic has partitions; messages of one key are in one partition, in the order in which they were published. It
/// knows topic names, keys and bytes, and no type of message. What every implementation must honour is written once, as
/// executable clauses, in `MessageBusContract`.
public protocol MessageBus: Sendable {
    /// Creates the topics that do not exist, and brings the others to the given retention and compaction.
    ///
    /// - Throws: ``BusError``, `partitionMismatch` if a topic exists with another number of partitions.
    func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError)

    /// Appends the messages, all or none, in order, and returns once the bus has taken responsibility for them.
    ///
    /// Cancellation does not withdraw them.
    /// - Throws: ``BusError``; if it `isRetriable` the same call may succeed later. After a lost connection it may have
    ///   succeeded nevertheless: consumers tolerate duplicates.
    func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError)

    /// Joins a group of competing consumers: each partition belongs to one member at a time.
    ///
    /// A new group starts at the beginning of the topic, a known one at what it has acknowledged.
    func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription

    /// Reads every partition on one's own, with offsets that the caller keeps; for read models.
    ///
    /// - Parameter offsets: The first offset wanted, by partition; 0 for a partition that is missing.
    /// - Throws: ``BusError``, `offsetOutOfRange` if an offset lies beyond the end of its partition: the log is not the
    ///   one that the offsets are from.
    func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower

    /// The offset that the next message of each partition will have; by partition, from 0.
    func endOffsets(of topic: String) async throws(BusError) -> [Int64]

    /// How many messages of each partition the group has not acknowledged yet, those in work included.
    ///
    /// Deleted messages count until the group has passed them.
    func lag(of group: String, on topic: String) async throws(BusError) -> [Int64]
}

extension MessageBus {
    /// Appends the messages and returns once they would survive a power cut.
    public func publish(_ messages: [OutgoingMessage]) async throws(BusError) {
        try await self.publish(messages, durability: .flushed)
    }

    public func publish(_ message: OutgoingMessage, durability: Durability = .flushed) async throws(BusError) {
        try await self.publish([message], durability: durability)
    }
}

/// What a confirmed message or acknowledgement survives.
public enum Durability: Sendable, Hashable {
    /// Power cuts.
    case flushed
    /// The end of the process, also by a kill. It becomes durable with whatever is flushed after it.
    case relaxed
}
