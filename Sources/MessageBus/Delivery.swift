/// A message as it lies in the log.
public struct Delivery: Sendable, Hashable {
    public var topic: String
    public var partition: Int
    /// Goes up within the partition, from 0; deleted messages leave gaps.
    public var offset: Int64
    /// When the log took it, in milliseconds since 1970.
    public var timestamp: Int64
    public var key: String
    /// `nil` is a tombstone.
    public var body: [UInt8]?

    public init(topic: String, partition: Int, offset: Int64, timestamp: Int64, key: String, body: [UInt8]?) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.body = body
    }
}
