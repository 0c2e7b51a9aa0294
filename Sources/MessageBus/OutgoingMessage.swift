/// A message to publish.
public struct OutgoingMessage: Sendable, Hashable {
    public var topic: String
    /// Messages of one key keep their order. In a compacted topic the newest of a key stays.
    public var key: String
    /// `nil`: by the key, see ``Partitioner``.
    public var partition: Int?
    /// `nil` is a tombstone: in a compacted topic the key goes.
    public var body: [UInt8]?

    public init(topic: String, key: String, partition: Int? = nil, body: [UInt8]?) {
        self.topic = topic
        self.key = key
        self.partition = partition
        self.body = body
    }
}
