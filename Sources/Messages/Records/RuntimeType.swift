/// The runtime that a template's image holds. Raw values are on the wire; ``name`` is the API's.
public enum RuntimeType: Int, Sendable, CaseIterable {
    case python311 = 1
    case nodejs20 = 2
    case java17 = 3
    case go121 = 4

    public var name: String {
        switch self {
        case .python311: "python3.11"
        case .nodejs20: "nodejs20"
        case .java17: "java17"
        case .go121: "go1.21"
        }
    }

    /// The API's `language_runtime`.
    public var language: String {
        switch self {
        case .python311: "python"
        case .nodejs20: "javascript"
        case .java17: "java"
        case .go121: "go"
        }
    }

    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}

/// A language that code can be in. Raw values are on the wire; ``name`` is the API's.
public enum Language: Int, Sendable, CaseIterable {
    case python = 1
    case javascript = 2
    case shell = 3

    public var name: String {
        switch self {
        case .python: "python"
        case .javascript: "javascript"
        case .shell: "shell"
        }
    }

    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}
