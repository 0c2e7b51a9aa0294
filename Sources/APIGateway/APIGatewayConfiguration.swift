public import HTTPServer
public import ServiceKit

/// Settings of one gateway.
public struct APIGatewayConfiguration: Sendable, Equatable {
    /// Where it listens and what a client may ask of a connection.
    public var http: HTTPServerConfiguration
    /// Bytes of memory for records that the database holds too. Defaults to 32 MiB.
    public var cacheBytes: Int
    /// Executions of one session that have not ended. Defaults to 100,000.
    public var maxQueuedExecutionsPerSession: Int
    /// Executions of all sessions that have not ended. Defaults to 250,000.
    public var maxQueuedExecutions: Int
    /// Bytes of one uploaded file. Defaults to 100 MB.
    public var maxUploadBytes: Int
    /// Seconds, of a session that names no timeout. Defaults to 300.
    public var defaultSessionTimeout: Int
    /// Seconds; the longest timeout that a session or an execution may ask for. Defaults to 3600.
    public var maxTimeout: Int
    /// Processes that a session may have at once. Defaults to 128.
    public var maxProcesses: Int
    /// Where packages come from unless a session says otherwise. Defaults to pip's own default.
    public var packageIndexURL: String
    /// What executors outside of our worker nodes present. `nil` closes the internal calls.
    public var internalToken: Secret?
    /// How long the dispatcher may take to decide on a command. Defaults to 10 s.
    public var decisionTimeout: Duration
    /// How long requests under way may go on after a shutdown request. Defaults to 10 s.
    public var drainTimeout: Duration

    /// - Throws: ``ConfigurationError`` naming the key.
    public init(
        http: HTTPServerConfiguration,
        cacheBytes: Int = 32 * 1_048_576,
        maxQueuedExecutionsPerSession: Int = 100_000,
        maxQueuedExecutions: Int = 250_000,
        maxUploadBytes: Int = 100 * 1_048_576,
        defaultSessionTimeout: Int = 300,
        maxTimeout: Int = 3600,
        maxProcesses: Int = 128,
        packageIndexURL: String = "https://pypi.org/simple/",
        internalToken: Secret? = nil,
        decisionTimeout: Duration = .seconds(10),
        drainTimeout: Duration = .seconds(10)
    ) throws {
        func require(_ isValid: Bool, _ key: String, _ problem: String) throws {
            if !isValid { throw ConfigurationError(key: key, problem: problem) }
        }
        try require(cacheBytes >= 0, "READ_MODEL_CACHE_MB", "must not be negative")
        try require(maxQueuedExecutionsPerSession > 0, "MAX_QUEUED_EXECUTIONS_PER_SESSION", "must be at least 1")
        try require(maxQueuedExecutions > 0, "MAX_QUEUED_EXECUTIONS", "must be at least 1")
        try require(maxUploadBytes > 0, "MAX_UPLOAD_BYTES", "must be at least 1")
        try require((1...3600).contains(maxTimeout), "MAX_TIMEOUT", "must be from 1 to 3600")
        try require(
            (1...maxTimeout).contains(defaultSessionTimeout),
            "DEFAULT_TIMEOUT",
            "must be from 1 to MAX_TIMEOUT, which is \(maxTimeout)"
        )
        try require((1...32_768).contains(maxProcesses), "MAX_PROCESSES", "must be from 1 to 32768")
        try require(
            packageIndexURL.hasPrefix("https://") || packageIndexURL.hasPrefix("http://"),
            "PYTHON_PACKAGE_INDEX_URL",
            "must be an http or https URL"
        )
        try require(internalToken?.reveal().isEmpty != true, "INTERNAL_TOKEN", "must not be empty")
        try require(decisionTimeout > .zero, "DECISION_TIMEOUT_SECONDS", "must be above zero")
        self.http = http
        self.cacheBytes = cacheBytes
        self.maxQueuedExecutionsPerSession = maxQueuedExecutionsPerSession
        self.maxQueuedExecutions = maxQueuedExecutions
        self.maxUploadBytes = maxUploadBytes
        self.defaultSessionTimeout = defaultSessionTimeout
        self.maxTimeout = maxTimeout
        self.maxProcesses = maxProcesses
        self.packageIndexURL = packageIndexURL
        self.internalToken = internalToken
        self.decisionTimeout = decisionTimeout
        self.drainTimeout = drainTimeout
    }

    var timeouts: TimeoutDefaults {
        TimeoutDefaults(session: self.defaultSessionTimeout, execution: 30, maximum: self.maxTimeout)
    }
}
