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
    /// A node that was silent for so long is given up, where the dispatcher is one of a cluster. 6 s by default.
    public var nodeLostAfter: Duration
    /// How much longer a node may take that has said that it stops. 2 minutes by default.
    public var nodeRestartGrace: Duration

    public init(
        idleThreshold: Duration? = nil,
        maxLifetime: Duration? = nil,
        creatingTimeout: Duration? = .seconds(300),
        executionRetention: Duration? = .seconds(7 * 86_400),
        reportGrace: Duration = .seconds(10),
        nodeLostAfter: Duration = .seconds(6),
        nodeRestartGrace: Duration = .seconds(120)
    ) {
        self.idleThreshold = idleThreshold
        self.maxLifetime = maxLifetime
        self.creatingTimeout = creatingTimeout
        self.executionRetention = executionRetention
        self.reportGrace = reportGrace
        self.nodeLostAfter = nodeLostAfter
        self.nodeRestartGrace = nodeRestartGrace
    }
}
