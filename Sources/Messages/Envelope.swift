/// What every record on the log begins with.
///
/// A reader accepts any schema version up to its own major; fields it does not know are skipped. A change that old readers
/// would misunderstand raises the major, and they refuse it by name instead of guessing.
public struct Envelope<Payload: WireMessage>: WireMessage {
    /// The schema this program writes and the newest it reads.
    public static var schemaVersion: Int { 1 }

    public var id: CommandID
    /// When the record was written: the only clock that decisions are made by, so that a replay decides the same.
    public var at: Timestamp
    /// Whose decision it is, where several dispatchers share the work. `nil` on one machine, and for what is no decision.
    public var origin: Origin?
    public var payload: Payload

    public init(id: CommandID = .make(), at: Timestamp, origin: Origin? = nil, _ payload: Payload) {
        self.id = id
        self.at = at
        self.origin = origin
        self.payload = payload
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var id = ""
        var at = Timestamp(microseconds: 0)
        var payload: Payload?
        var partition: Int?
        var epoch = 0
        while let field = try reader.next() {
            switch field {
            case 1:
                let version = try reader.int()
                guard version <= Self.schemaVersion else {
                    throw MessageError(
                        .newerSchema,
                        "schema \(version); this program reads up to \(Self.schemaVersion)"
                    )
                }
            case 2: id = try reader.string()
            case 3: at = Timestamp(microseconds: Int64(try reader.int()))
            case 4: payload = try reader.message()
            case 5: partition = try reader.int() - 1
            case 6: epoch = try reader.int()
            default: break
            }
        }
        guard let payload else { throw MessageError(.malformed, "the record has no payload") }
        let origin = partition.map { Origin(partition: $0, epoch: Int64(epoch)) }
        self.init(id: CommandID(id), at: at, origin: origin, payload)
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, Self.schemaVersion)
        writer.string(2, self.id.rawValue)
        writer.int(3, Int(self.at.microseconds))
        writer.message(4, self.payload)
        if let origin = self.origin {
            // Fields of value 0 are not written.
            writer.int(5, origin.partition + 1)
            writer.int(6, Int(origin.epoch))
        }
    }
}
