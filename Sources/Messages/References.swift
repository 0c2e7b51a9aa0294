/// Names one incarnation of a session and, where it has one, its sandbox.
public struct SessionReference: WireMessage, Hashable {
    public var session: SessionID
    public var incarnation: Incarnation
    public var container: ContainerID?

    public init(session: SessionID, incarnation: Incarnation, container: ContainerID? = nil) {
        self.session = session
        self.incarnation = incarnation
        self.container = container
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(session: SessionID(""), incarnation: Incarnation(""))
        while let field = try reader.next() {
            switch field {
            case 1: self.session = SessionID(try reader.string())
            case 2: self.incarnation = Incarnation(try reader.string())
            case 3: self.container = ContainerID(try reader.string())
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.session.rawValue)
        writer.string(2, self.incarnation.rawValue)
        writer.optionalString(3, self.container?.rawValue)
    }
}

/// Names one attempt of an execution.
public struct ExecutionReference: WireMessage, Hashable {
    public var execution: ExecutionID
    public var session: SessionID
    /// 0 means whichever attempt is the current one.
    public var attempt: Int

    public init(execution: ExecutionID, session: SessionID, attempt: Int = 0) {
        self.execution = execution
        self.session = session
        self.attempt = attempt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(execution: ExecutionID(""), session: SessionID(""))
        while let field = try reader.next() {
            switch field {
            case 1: self.execution = ExecutionID(try reader.string())
            case 2: self.session = SessionID(try reader.string())
            case 3: self.attempt = try reader.int()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.execution.rawValue)
        writer.string(2, self.session.rawValue)
        writer.int(3, self.attempt)
    }
}
