/// A setting that cannot be used: the start stops here, and nothing is clamped silently.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The environment variable.
    public var key: String
    /// What is wrong with it, and what would be right. Never holds a secret's value.
    public var problem: String
    /// Whether the same call may succeed later: no, somebody has to change the setting.
    public var isRetriable: Bool { false }

    public init(key: String, problem: String) {
        self.key = key
        self.problem = problem
    }

    public var description: String { "\(self.key): \(self.problem)" }
}
