/// One piece of code to run, and the bounds of it.
public struct ExecuteRequest: Sendable, Equatable {
    /// More is not captured of one stream or result, whatever a request says, in bytes: 5 MiB. Three of them fit a frame.
    public static let maximumCapture = 5 << 20

    public var id: AgentExecutionID
    public var language: AgentLanguage
    /// Source text, UTF-8. With the event at most 15 MiB.
    public var code: [UInt8]
    /// The event as JSON text, handed on as it is. Empty means `{}`.
    public var event: [UInt8]
    /// Comes on top of the sandbox's own variables and replaces those of the same name.
    public var environment: [EnvironmentVariable]
    /// Measured by the agent from the moment the code starts. Defaults to 30 s.
    public var timeout: Duration
    /// Bytes kept of each stream; the program goes on, the rest is counted. Defaults to 1 MiB each.
    public var stdoutLimit: Int
    public var stderrLimit: Int
    /// Bytes of JSON a return value may have. Defaults to 1 MiB.
    public var resultLimit: Int
    public var limits: ProcessLimits

    public init(
        id: AgentExecutionID,
        language: AgentLanguage,
        code: [UInt8],
        event: [UInt8] = [],
        environment: [EnvironmentVariable] = [],
        timeout: Duration = .seconds(30),
        stdoutLimit: Int = 1 << 20,
        stderrLimit: Int = 1 << 20,
        resultLimit: Int = 1 << 20,
        limits: ProcessLimits = ProcessLimits()
    ) {
        self.id = id
        self.language = language
        self.code = code
        self.event = event
        self.environment = environment
        self.timeout = timeout
        self.stdoutLimit = stdoutLimit
        self.stderrLimit = stderrLimit
        self.resultLimit = resultLimit
        self.limits = limits
    }
}

/// A variable of a program's environment. One with a NUL, or with a `=` in its name, is not passed on.
public struct EnvironmentVariable: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Limits that the agent sets on the process that runs the code, and so on all it starts. `nil` leaves one as it is.
///
/// They hold where the host can set no control group; where it can, they come on top.
public struct ProcessLimits: Sendable, Equatable {
    /// Processes and threads of the sandbox's user, the agent's own included (`RLIMIT_NPROC`).
    public var maximumProcesses: Int?
    /// Bytes of one file (`RLIMIT_FSIZE`).
    public var maximumFileSize: Int?
    /// Open descriptors of one process (`RLIMIT_NOFILE`).
    public var maximumOpenFiles: Int?

    public init(maximumProcesses: Int? = nil, maximumFileSize: Int? = nil, maximumOpenFiles: Int? = nil) {
        self.maximumProcesses = maximumProcesses
        self.maximumFileSize = maximumFileSize
        self.maximumOpenFiles = maximumOpenFiles
    }
}
