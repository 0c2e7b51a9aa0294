/// The topics of the system and the keys of their records.
///
/// Commands, events and state have the same number of partitions and the same partitioner, and everything about a session
/// has the session's partition: one dispatcher decides all of it, in order.
public enum Topics {
    public static let commands = "sandbox.commands"
    public static let events = "sandbox.events"
    public static let state = "sandbox.state"
    public static let deadLetter = "sandbox.dead-letter"
    /// What one node shall do.
    public static func node(_ node: NodeID) -> String { "sandbox.node.\(node)" }

    /// All template commands go to one partition, which so decides on names.
    public static let templatesKey = "templates"
}

/// What a record of the state topic is about: its key there.
public enum StateKey: Hashable, Sendable {
    case template(TemplateID)
    case session(SessionID)
    case execution(ExecutionID)
    /// The answer to one command; followed at once by its own tombstone, so that compaction leaves nothing of it.
    case decision(CommandID)
    case node(NodeID)
    /// The newest owner of a partition, and how far it has got.
    case claim(Int)
    case checkpoint(Int)

    public var text: String {
        switch self {
        case .template(let id): "template/\(id)"
        case .session(let id): "session/\(id)"
        case .execution(let id): "execution/\(id)"
        case .decision(let id): "decision/\(id)"
        case .node(let id): "node/\(id)"
        case .claim(let partition): "claim/\(partition)"
        case .checkpoint(let partition): "checkpoint/\(partition)"
        }
    }

    public init?(_ text: String) {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        let id = String(text[text.index(after: slash)...])
        switch text[..<slash] {
        case "template": self = .template(TemplateID(id))
        case "session": self = .session(SessionID(id))
        case "execution": self = .execution(ExecutionID(id))
        case "decision": self = .decision(CommandID(id))
        case "node": self = .node(NodeID(id))
        case "claim":
            guard let partition = Int(id) else { return nil }
            self = .claim(partition)
        case "checkpoint":
            guard let partition = Int(id) else { return nil }
            self = .checkpoint(partition)
        default: return nil
        }
    }
}
