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

    public var text: String {
        switch self {
        case .template(let id): "template/\(id)"
        case .session(let id): "session/\(id)"
        case .execution(let id): "execution/\(id)"
        case .decision(let id): "decision/\(id)"
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
        default: return nil
        }
    }
}
