/// One run of a piece of code, as the client asked for it.
public struct ExecutionSpec: WireMessage {
    public var id: ExecutionID
    public var session: SessionID
    public var incarnation: Incarnation
    public var code: String
    public var language: Language
    public var timeoutSeconds: Int
    /// JSON, as it came: no number or character of it changes on its way.
    public var event: [UInt8]
    /// Of this execution alone; goes over the session's, which goes over the template's.
    public var environment: [String: String]
    /// How often it may be started again when an attempt is lost. 0: never twice.
    public var retries: Int
    public var createdAt: Timestamp

    public init(
        id: ExecutionID,
        session: SessionID,
        incarnation: Incarnation,
        code: String,
        language: Language,
        timeoutSeconds: Int = 30,
        event: [UInt8] = Array("{}".utf8),
        environment: [String: String] = [:],
        retries: Int = 0,
        createdAt: Timestamp
    ) {
        self.id = id
        self.session = session
        self.incarnation = incarnation
        self.code = code
        self.language = language
        self.timeoutSeconds = timeoutSeconds
        self.event = event
        self.environment = environment
        self.retries = retries
        self.createdAt = createdAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(
            id: ExecutionID(""),
            session: SessionID(""),
            incarnation: Incarnation(""),
            code: "",
            language: .python,
            timeoutSeconds: 0,
            event: [],
            createdAt: Timestamp(microseconds: 0)
        )
        while let field = try reader.next() {
            switch field {
            case 1: self.id = ExecutionID(try reader.string())
            case 2: self.session = SessionID(try reader.string())
            case 3: self.incarnation = Incarnation(try reader.string())
            case 4: self.code = try reader.string()
            case 5: self.language = try reader.enumeration()
            case 6: self.timeoutSeconds = try reader.int()
            case 7: self.event = try reader.data()
            case 8: try reader.entry(into: &self.environment)
            case 9: self.retries = try reader.int()
            case 10: self.createdAt = try reader.timestamp()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.id.rawValue)
        writer.string(2, self.session.rawValue)
        writer.string(3, self.incarnation.rawValue)
        writer.string(4, self.code)
        writer.int(5, self.language.rawValue)
        writer.int(6, self.timeoutSeconds)
        writer.data(7, self.event)
        writer.map(8, self.environment)
        writer.int(9, self.retries)
        writer.timestamp(10, self.createdAt)
    }
}
