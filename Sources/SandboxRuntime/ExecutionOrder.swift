/// Names one order, unique within its sandbox.
public struct OrderID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { self.rawValue }
}

/// One piece of code to run in a sandbox.
public struct ExecutionOrder: Sendable {
    public var id: OrderID
    public var language: CodeLanguage
    /// UTF-8.
    public var code: [UInt8]
    /// A JSON object, handed on byte for byte. Defaults to `{}`.
    public var event: [UInt8]
    /// Applied over the sandbox's own variables. Later ones win.
    public var environment: [(name: String, value: String)]
    /// Measured inside, from the moment the code starts. Defaults to 30 s.
    public var timeout: Duration
    /// Bytes of standard output that are kept; the rest is counted. Defaults to 1 MiB.
    public var stdoutLimit: Int
    /// Bytes of standard error that are kept; the rest is counted. Defaults to 1 MiB.
    public var stderrLimit: Int
    /// Bytes of the returned value's JSON. Defaults to 1 MiB.
    public var resultLimit: Int

    public init(
        id: OrderID,
        language: CodeLanguage,
        code: [UInt8],
        event: [UInt8] = Array("{}".utf8),
        environment: [(name: String, value: String)] = [],
        timeout: Duration = .seconds(30),
        stdoutLimit: Int = 1 << 20,
        stderrLimit: Int = 1 << 20,
        resultLimit: Int = 1 << 20
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
    }
}
