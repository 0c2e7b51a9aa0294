/// The dispatcher's own times. `nil` means never.
public struct DispatcherSettings: Sendable, Equatable {
    /// A session without an execution for so long is ended. Off by default.
    public var idleThreshold: Duration?
    /// A session older than this is ended. Off by default.
    public var maxLifetime: Duration?
    /// A session that is still not running after so long has failed. 300 s by default.
    public var creatingTimeout: Duration?
    /// Executions are kept for so long after their end. 7 days by default.
    public var executionRetention: Duration?
    /// An execution that is not reported so long after its timeout is asked for at its node. 10 s by default.
    public var reportGrace: Duration

    public init(
        idleThreshold: Duration? = nil,
        maxLifetime: Duration? = nil,
        creatingTimeout: Duration? = .seconds(300),
        executionRetention: Duration? = .seconds(7 * 86_400),
        reportGrace: Duration = .seconds(10)
    ) {
        self.idleThreshold = idleThreshold
        self.maxLifetime = maxLifetime
        self.creatingTimeout = creatingTimeout
        self.executionRetention = executionRetention
        self.reportGrace = reportGrace
    }
}
