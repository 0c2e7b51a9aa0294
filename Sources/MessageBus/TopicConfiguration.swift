/// What a topic is to be.
public struct TopicConfiguration: Sendable, Hashable {
    public var name: String
    /// Fixed for the life of the topic: a key's partition depends on it.
    public var partitions: Int
    /// How long messages stay at least; `nil` for ever.
    public var retention: Duration?
    /// Whether only the newest message of each key stays. May be combined with a retention.
    public var isCompacted: Bool
    /// How long the tombstone of a compacted topic stays at least, for readers that are behind. Defaults to a day.
    public var tombstoneGrace: Duration

    public init(
        name: String,
        partitions: Int,
        retention: Duration? = nil,
        isCompacted: Bool = false,
        tombstoneGrace: Duration = .seconds(86_400)
    ) {
        self.name = name
        self.partitions = partitions
        self.retention = retention
        self.isCompacted = isCompacted
        self.tombstoneGrace = tombstoneGrace
    }
}
