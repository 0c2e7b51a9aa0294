/// What the dispatcher asks of one worker node. Its record's key is the session's id.
public enum NodeCommand: WireMessage {
    /// Have a sandbox for the session: claim or start one; with a container given, that one, or a new sandbox over its files.
    case ensureSession(SessionSpec, container: ContainerID?)
    /// End the sandbox and remove its files.
    case endSession(SessionReference)
    /// Run it once. Its record is acknowledged, durably, before the code starts: a worker that finds it again after a
    /// crash knows that it never started.
    case execute(ExecutionSpec, attempt: Int)
    /// End this attempt, if it runs. The worker reports how it ended.
    case cancel(ExecutionReference)
    /// Say what became of this attempt: it comes after its `execute`, so a worker that does not know of it lost it.
    case resolve(ExecutionReference)
    /// Report everything you have.
    case report
    /// Take no further session, or take some again; kept over a restart.
    case drain(Bool)

    public init(from reader: inout WireReader) throws(MessageError) {
        var command: NodeCommand?
        var container: ContainerID?
        var attempt = 0
        var isDraining = false
        while let field = try reader.next() {
            switch field {
            case 1: command = .ensureSession(try reader.message(), container: nil)
            case 2: command = .endSession(try reader.message())
            case 3: command = .execute(try reader.message(), attempt: 0)
            case 4: command = .cancel(try reader.message())
            case 5: command = .resolve(try reader.message())
            case 6: command = .report
            case 7: command = .drain(false)
            case 20: container = ContainerID(try reader.string())
            case 21: attempt = try reader.int()
            case 22: isDraining = try reader.bool()
            default: break
            }
        }
        switch command {
        case .ensureSession(let spec, _): self = .ensureSession(spec, container: container)
        case .execute(let spec, _): self = .execute(spec, attempt: attempt)
        case .drain: self = .drain(isDraining)
        case .some(let command): self = command
        case nil: throw MessageError(.unknownKind, "not a node command this program knows")
        }
    }

    public func encode(to writer: inout WireWriter) {
        switch self {
        case .ensureSession(let spec, let container):
            writer.message(1, spec)
            writer.optionalString(20, container?.rawValue)
        case .endSession(let reference): writer.message(2, reference)
        case .execute(let spec, let attempt):
            writer.message(3, spec)
            writer.int(21, attempt)
        case .cancel(let reference): writer.message(4, reference)
        case .resolve(let reference): writer.message(5, reference)
        case .report: writer.bool(6, true)
        case .drain(let isDraining):
            writer.bool(7, true)
            writer.bool(22, isDraining)
        }
    }

    /// The record's key; `nil` for a command that concerns no session.
    public var key: String? {
        switch self {
        case .ensureSession(let spec, _): spec.id.rawValue
        case .endSession(let reference): reference.session.rawValue
        case .execute(let spec, _): spec.session.rawValue
        case .cancel(let reference), .resolve(let reference): reference.session.rawValue
        case .report, .drain: nil
        }
    }
}
