/// An attempt ended and this came of it.
public struct ExecutionEnded: WireMessage {
    public var reference: ExecutionReference
    public var outcome: ExecutionOutcome
    public var startedAt: Timestamp
    public var endedAt: Timestamp

    public init(reference: ExecutionReference, outcome: ExecutionOutcome, startedAt: Timestamp, endedAt: Timestamp) {
        self.reference = reference
        self.outcome = outcome
        self.startedAt = startedAt
        self.endedAt = endedAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var reference: ExecutionReference?
        var outcome: ExecutionOutcome?
        var startedAt = Timestamp(microseconds: 0)
        var endedAt = Timestamp(microseconds: 0)
        while let field = try reader.next() {
            switch field {
            case 1: reference = try reader.message()
            case 2: outcome = try reader.message()
            case 3: startedAt = try reader.timestamp()
            case 4: endedAt = try reader.timestamp()
            default: break
            }
        }
        guard let reference, let outcome else { throw MessageError(.malformed, "an end lacks its outcome") }
        self.init(reference: reference, outcome: outcome, startedAt: startedAt, endedAt: endedAt)
    }

    public func encode(to writer: inout WireWriter) {
        writer.message(1, self.reference)
        writer.message(2, self.outcome)
        writer.timestamp(3, self.startedAt)
        writer.timestamp(4, self.endedAt)
    }
}

/// An attempt that nobody runs any more and of which no end is known.
public struct ExecutionLost: WireMessage {
    public var reference: ExecutionReference
    /// Whether it provably never began: it may be started again without the client's leave.
    public var neverStarted: Bool
    public var problem: Problem

    public init(reference: ExecutionReference, neverStarted: Bool, problem: Problem) {
        self.reference = reference
        self.neverStarted = neverStarted
        self.problem = problem
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var reference: ExecutionReference?
        var neverStarted = false
        var problem = Problem("", "")
        while let field = try reader.next() {
            switch field {
            case 1: reference = try reader.message()
            case 2: neverStarted = try reader.bool()
            case 3: problem = try reader.message()
            default: break
            }
        }
        guard let reference else { throw MessageError(.malformed, "a loss lacks its execution") }
        self.init(reference: reference, neverStarted: neverStarted, problem: problem)
    }

    public func encode(to writer: inout WireWriter) {
        writer.message(1, self.reference)
        writer.bool(2, self.neverStarted)
        writer.message(3, self.problem)
    }
}
