/// Whether a node takes sessions. Raw values are on the wire; ``name`` is the API's.
public enum NodeAvailability: Int, Sendable, CaseIterable {
    case ready = 1
    /// An operator wants it empty.
    case draining = 2
    /// It has said that it stops.
    case stopped = 3
    /// Nothing was heard of it for too long.
    case lost = 4

    public var name: String { "\(self)" }
}

/// A worker node as the gateways know it.
public struct Node: WireMessage {
    public var heartbeat: NodeHeartbeat
    public var status: NodeAvailability
    public var updatedAt: Timestamp

    public init(heartbeat: NodeHeartbeat, status: NodeAvailability, updatedAt: Timestamp) {
        self.heartbeat = heartbeat
        self.status = status
        self.updatedAt = updatedAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var heartbeat: NodeHeartbeat?
        var status: NodeAvailability?
        var updatedAt = Timestamp(microseconds: 0)
        while let field = try reader.next() {
            switch field {
            case 1: heartbeat = try reader.message()
            case 2: status = try reader.enumeration()
            case 3: updatedAt = Timestamp(microseconds: Int64(try reader.int()))
            default: break
            }
        }
        guard let heartbeat, let status else { throw MessageError(.malformed, "a node lacks its heartbeat or status") }
        self.init(heartbeat: heartbeat, status: status, updatedAt: updatedAt)
    }

    public func encode(to writer: inout WireWriter) {
        writer.message(1, self.heartbeat)
        writer.int(2, self.status.rawValue)
        writer.int(3, Int(self.updatedAt.microseconds))
    }
}
