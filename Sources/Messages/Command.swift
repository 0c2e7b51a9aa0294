/// What a gateway asks of the dispatcher. Its record's key is the session's id, ``Topics/templatesKey`` for templates.
public enum Command: WireMessage {
    case createTemplate(Template)
    case updateTemplate(TemplateChange)
    case deleteTemplate(TemplateID)
    case createSession(SessionSpec)
    /// Ends the sandbox and removes its files; the record stays.
    case terminateSession(SessionID)
    /// Ends the session, if need be, and forgets it and its executions.
    case deleteSession(SessionID)
    case submit(ExecutionSpec)
    case cancel(ExecutionReference)
    /// Compare what should run with what runs, now. One goes to each partition.
    case reconcile
    /// Give the node no further session, or give it some again.
    case drainNode(NodeID, isDraining: Bool)
    /// Write the newest record of a thing again: a void one was found behind it. With the newest claim that is known of
    /// the partition: if it is not the owner's own, the owner claims it again.
    case restate(StateKey, epoch: Int64)

    public init(from reader: inout WireReader) throws(MessageError) {
        var command: Command?
        var isDraining = false
        var epoch = 0
        while let field = try reader.next() {
            switch field {
            case 1: command = .createTemplate(try reader.message())
            case 2: command = .updateTemplate(try reader.message())
            case 3: command = .deleteTemplate(TemplateID(try reader.string()))
            case 4: command = .createSession(try reader.message())
            case 5: command = .terminateSession(SessionID(try reader.string()))
            case 6: command = .deleteSession(SessionID(try reader.string()))
            case 7: command = .submit(try reader.message())
            case 8: command = .cancel(try reader.message())
            case 9: command = .reconcile
            case 10: command = .drainNode(NodeID(try reader.string()), isDraining: false)
            case 11:
                guard let key = StateKey(try reader.string()) else {
                    throw MessageError(.malformed, "not the key of a state record")
                }
                command = .restate(key, epoch: 0)
            case 20: isDraining = try reader.bool()
            case 21: epoch = try reader.int()
            default: break
            }
        }
        switch command {
        case .drainNode(let node, _): self = .drainNode(node, isDraining: isDraining)
        case .restate(let key, _): self = .restate(key, epoch: Int64(epoch))
        case .some(let command): self = command
        case nil: throw MessageError(.unknownKind, "not a command this program knows")
        }
    }

    public func encode(to writer: inout WireWriter) {
        switch self {
        case .createTemplate(let template): writer.message(1, template)
        case .updateTemplate(let change): writer.message(2, change)
        case .deleteTemplate(let id): writer.optionalString(3, id.rawValue)
        case .createSession(let spec): writer.message(4, spec)
        case .terminateSession(let id): writer.optionalString(5, id.rawValue)
        case .deleteSession(let id): writer.optionalString(6, id.rawValue)
        case .submit(let spec): writer.message(7, spec)
        case .cancel(let reference): writer.message(8, reference)
        case .reconcile: writer.bool(9, true)
        case .drainNode(let node, let isDraining):
            writer.optionalString(10, node.rawValue)
            writer.bool(20, isDraining)
        case .restate(let key, let epoch):
            writer.optionalString(11, key.text)
            writer.int(21, Int(epoch))
        }
    }

    /// The record's key, which decides its partition; `nil` for a command that goes to every partition, or to that of
    /// the thing it is about.
    public var key: String? {
        switch self {
        case .createTemplate, .updateTemplate, .deleteTemplate: Topics.templatesKey
        case .createSession(let spec): spec.id.rawValue
        case .terminateSession(let id), .deleteSession(let id): id.rawValue
        case .submit(let spec): spec.session.rawValue
        case .cancel(let reference): reference.session.rawValue
        case .drainNode(let node, _): node.rawValue
        case .reconcile, .restate: nil
        }
    }
}
