import MessageBus
import Messages

/// A record that could not be read, and why, for whoever looks after the system.
struct DeadLetter: WireMessage {
    var topic: String
    var partition: Int
    var offset: Int
    var key: String
    var reason: String
    var body: [UInt8]

    init(_ delivery: Delivery, reason: String) {
        self.topic = delivery.topic
        self.partition = delivery.partition
        self.offset = Int(delivery.offset)
        self.key = delivery.key
        self.reason = reason
        self.body = delivery.body ?? []
    }

    init(from reader: inout WireReader) throws(MessageError) {
        self.init(Delivery(topic: "", partition: 0, offset: 0, timestamp: 0, key: "", body: nil), reason: "")
        while let field = try reader.next() {
            switch field {
            case 1: self.topic = try reader.string()
            case 2: self.partition = try reader.int()
            case 3: self.offset = try reader.int()
            case 4: self.key = try reader.string()
            case 5: self.reason = try reader.string()
            case 6: self.body = try reader.data()
            default: break
            }
        }
    }

    func encode(to writer: inout WireWriter) {
        writer.string(1, self.topic)
        writer.int(2, self.partition)
        writer.int(3, self.offset)
        writer.string(4, self.key)
        writer.string(5, self.reason)
        writer.data(6, self.body)
    }

    var message: OutgoingMessage {
        OutgoingMessage(topic: Topics.deadLetter, key: self.key, body: self.encoded())
    }
}
