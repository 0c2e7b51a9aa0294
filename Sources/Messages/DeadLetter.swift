/// A record that could not be read, put aside with its reason.
public struct DeadLetter: WireMessage {
    public var topic: String
    public var partition: Int
    public var offset: Int
    public var reason: String
    public var body: [UInt8]

    public init(topic: String, partition: Int, offset: Int, reason: String, body: [UInt8]) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.reason = reason
        self.body = body
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(topic: "", partition: 0, offset: 0, reason: "", body: [])
        while let field = try reader.next() {
            switch field {
            case 1: self.topic = try reader.string()
            case 2: self.partition = try reader.int()
            case 3: self.offset = try reader.int()
            case 4: self.reason = try reader.string()
            case 5: self.body = try reader.data()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.topic)
        writer.int(2, self.partition)
        writer.int(3, self.offset)
        writer.string(4, self.reason)
        writer.data(5, self.body)
    }
}
