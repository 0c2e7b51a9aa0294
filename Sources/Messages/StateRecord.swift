/// What the dispatcher tells the gateways: the newest state of one thing, under the key of ``StateKey``. A record without
/// a body is a tombstone: the thing is gone.
public enum StateRecord: WireMessage {
    case template(Template)
    case session(Session)
    case execution(Execution)
    case decision(Decision)
    case node(Node)
    /// For dispatchers, and for those who have to tell an owner from its predecessor.
    case claim(Claim)
    /// For dispatchers.
    case checkpoint(Checkpoint)

    public init(from reader: inout WireReader) throws(MessageError) {
        var record: StateRecord?
        while let field = try reader.next() {
            switch field {
            case 1: record = .template(try reader.message())
            case 2: record = .session(try reader.message())
            case 3: record = .execution(try reader.message())
            case 4: record = .decision(try reader.message())
            case 5: record = .node(try reader.message())
            case 6: record = .claim(try reader.message())
            case 7: record = .checkpoint(try reader.message())
            default: break
            }
        }
        guard let record else { throw MessageError(.unknownKind, "not a state this program knows") }
        self = record
    }

    public func encode(to writer: inout WireWriter) {
        switch self {
        case .template(let template): writer.message(1, template)
        case .session(let session): writer.message(2, session)
        case .execution(let execution): writer.message(3, execution)
        case .decision(let decision): writer.message(4, decision)
        case .node(let node): writer.message(5, node)
        case .claim(let claim): writer.message(6, claim)
        case .checkpoint(let checkpoint): writer.message(7, checkpoint)
        }
    }

    public var key: StateKey {
        switch self {
        case .template(let template): .template(template.id)
        case .session(let session): .session(session.spec.id)
        case .execution(let execution): .execution(execution.spec.id)
        case .decision(let decision): .decision(decision.command)
        case .node(let node): .node(node.heartbeat.node)
        case .claim(let claim): .claim(claim.partition)
        case .checkpoint(let checkpoint): .checkpoint(checkpoint.partition)
        }
    }
}

/// The dispatcher's answer to one command.
public struct Decision: WireMessage {
    public var command: CommandID
    /// Why the command was refused; `nil` when it was carried out.
    public var problem: Problem?
    /// What a reconciliation found, by name.
    public var findings: [String: Int]

    public init(command: CommandID, problem: Problem? = nil, findings: [String: Int] = [:]) {
        self.command = command
        self.problem = problem
        self.findings = findings
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(command: CommandID(""))
        var texts: [String: String] = [:]
        while let field = try reader.next() {
            switch field {
            case 1: self.command = CommandID(try reader.string())
            case 2: self.problem = try reader.message()
            case 3: try reader.entry(into: &texts)
            default: break
            }
        }
        self.findings = texts.compactMapValues { Int($0) }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.command.rawValue)
        writer.optionalMessage(2, self.problem)
        writer.map(3, self.findings.mapValues { "\($0)" })
    }
}
