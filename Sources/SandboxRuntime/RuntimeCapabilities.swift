/// What a runtime really enforces on this host, found by trying.
public struct RuntimeCapabilities: Sendable, Equatable {
    /// Who sees to a limit.
    public enum Enforcement: String, Sendable {
        case cgroupV1 = "cgroup v1"
        case cgroupV2 = "cgroup v2"
        /// Per process, not for the sandbox as a whole.
        case processLimit = "process limit"
        /// The container engine.
        case engine
        case none
    }

    /// One limit and how far it holds.
    public struct Limit: Sendable, Equatable {
        public var enforcement: Enforcement
        /// Why it is not stronger, for operators; empty if it is as strong as it gets.
        public var note: String

        public init(_ enforcement: Enforcement, note: String = "") {
            self.enforcement = enforcement
            self.note = note
        }
    }

    public enum LanguageStatus: Sendable, Equatable {
        case available
        /// The reason is for whoever wants to use the language.
        case missing(reason: String)
    }

    public var memory: Limit
    public var cpu: Limit
    public var processes: Limit
    public var disk: Limit
    /// Whether a sandbox without network reaches nothing but its own loopback.
    public var isolatesNetwork: Bool
    /// Whether each sandbox has a user id of its own on the host.
    public var isolatesUsers: Bool
    public var languages: [CodeLanguage: LanguageStatus]
    /// Whether sandboxes go on when this process ends, and ``SandboxRuntime/recover()`` finds them.
    public var survivesRestart: Bool
    /// Names that ``SandboxRuntime/resolve(image:)`` knows, sorted.
    public var images: [String]
    /// Why no sandbox can start; `nil` if one did.
    public var problem: String?

    public init(
        memory: Limit,
        cpu: Limit,
        processes: Limit,
        disk: Limit,
        isolatesNetwork: Bool,
        isolatesUsers: Bool,
        languages: [CodeLanguage: LanguageStatus],
        survivesRestart: Bool,
        images: [String],
        problem: String? = nil
    ) {
        self.memory = memory
        self.cpu = cpu
        self.processes = processes
        self.disk = disk
        self.isolatesNetwork = isolatesNetwork
        self.isolatesUsers = isolatesUsers
        self.languages = languages
        self.survivesRestart = survivesRestart
        self.images = images
        self.problem = problem
    }
}
