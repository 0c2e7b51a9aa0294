/// A language whose code an agent can run.
public enum AgentLanguage: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case python = 1
    case javascript = 2
    case shell = 3

    public var description: String {
        switch self {
        case .python: "python"
        case .javascript: "javascript"
        case .shell: "shell"
        }
    }

    init(field: FieldReader.Field) throws(ProtocolError) {
        guard let raw = UInt8(exactly: try field.unsigned()), let language = AgentLanguage(rawValue: raw) else {
            throw ProtocolError(.malformed, "field \(field.tag) names no language")
        }
        self = language
    }
}

/// Names one execution between host and agent. Made by the host, unique within a sandbox; the agent does not look inside.
public struct AgentExecutionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public init(_ rawValue: String) { self.rawValue = rawValue }

    public var description: String { self.rawValue }
}
