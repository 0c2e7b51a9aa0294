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

    public init(from reader: inout WireReader) throws(MessageError) {
        var command: Command?
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
            default: break
            }
        }
        guard let command else { throw MessageError(.unknownKind, "not a command this program knows") }
        self = command
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
        }
    }

    /// The record's key, which decides its partition; `nil` for a command that goes to every partition.
    public var key: String? {
        switch self {
        case .createTemplate, .updateTemplate, .deleteTemplate: Topics.templatesKey
        case .createSession(let spec): spec.id.rawValue
        case .terminateSession(let id), .deleteSession(let id): id.rawValue
        case .submit(let spec): spec.session.rawValue
        case .cancel(let reference): reference.session.rawValue
        case .reconcile: nil
        }
    }
}
