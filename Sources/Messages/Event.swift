/// What a worker node, or an executor outside of ours, reports. Its record's key is the session's id.
public enum Event: WireMessage {
    case sessionReady(SessionReference, node: NodeID)
    case sessionFailed(SessionReference, Problem)
    /// The sandbox ended by itself.
    case containerExited(SessionReference, Problem)
    case executionEnded(ExecutionEnded)
    case executionLost(ExecutionLost)
    case executionHeartbeat(ExecutionReference)
    /// What a node has of the sessions of one partition. Sent to each partition at its start, every 30 s and when asked.
    case nodeReport(NodeReport)
    case nodeHeartbeat(NodeHeartbeat)

    public init(from reader: inout WireReader) throws(MessageError) {
        var event: Event?
        var node = NodeID("")
        var problem = Problem("", "")
        while let field = try reader.next() {
            switch field {
            case 1: event = .sessionReady(try reader.message(), node: node)
            case 2: event = .sessionFailed(try reader.message(), problem)
            case 3: event = .containerExited(try reader.message(), problem)
            case 4: event = .executionEnded(try reader.message())
            case 5: event = .executionLost(try reader.message())
            case 6: event = .executionHeartbeat(try reader.message())
            case 7: event = .nodeReport(try reader.message())
            case 8: event = .nodeHeartbeat(try reader.message())
            case 20: node = NodeID(try reader.string())
            case 21: problem = try reader.message()
            default: break
            }
        }
        switch event {
        case .sessionReady(let reference, _): self = .sessionReady(reference, node: node)
        case .sessionFailed(let reference, _): self = .sessionFailed(reference, problem)
        case .containerExited(let reference, _): self = .containerExited(reference, problem)
        case .some(let event): self = event
        case nil: throw MessageError(.unknownKind, "not an event this program knows")
        }
    }

    public func encode(to writer: inout WireWriter) {
        switch self {
        case .sessionReady(let reference, let node):
            writer.message(1, reference)
            writer.string(20, node.rawValue)
        case .sessionFailed(let reference, let problem):
            writer.message(2, reference)
            writer.message(21, problem)
        case .containerExited(let reference, let problem):
            writer.message(3, reference)
            writer.message(21, problem)
        case .executionEnded(let ended): writer.message(4, ended)
        case .executionLost(let lost): writer.message(5, lost)
        case .executionHeartbeat(let reference): writer.message(6, reference)
        case .nodeReport(let report): writer.message(7, report)
        case .nodeHeartbeat(let heartbeat): writer.message(8, heartbeat)
        }
    }

    /// The record's key; `nil` for what a node says to each partition by number.
    public var key: String? {
        switch self {
        case .sessionReady(let reference, _), .sessionFailed(let reference, _), .containerExited(let reference, _):
            reference.session.rawValue
        case .executionEnded(let ended): ended.reference.session.rawValue
        case .executionLost(let lost): lost.reference.session.rawValue
        case .executionHeartbeat(let reference): reference.session.rawValue
        case .nodeReport, .nodeHeartbeat: nil
        }
    }
}
