public import Messages
public import SandboxRuntime
import ServiceKit

/// What a worker node has and can do, for health answers.
public struct NodeStatus: Sendable, Equatable {
    /// Ready sandboxes of one image.
    public struct Pool: Sendable, Equatable {
        public var image: String
        public var ready: Int
        public var target: Int
    }

    public var node: NodeID
    public var boot: Incarnation
    /// Sessions that are alive here, those that start included.
    public var sessions: Int
    /// Executions that run, wait for their turn, or whose end is not yet published.
    public var executions: Int
    /// Sessions that the node can hold.
    public var capacity: Int
    /// One for each pooled image, by name.
    public var pools: [Pool]
    /// Whether a dispatcher has written to this node since it started.
    public var isDispatcherHeard: Bool
    /// `bubblewrap`, `docker`.
    public var runtime: String
    /// The limits that are really in force, the languages, and why no sandbox can start, if so.
    public var capabilities: RuntimeCapabilities
}

extension WorkerNode {
    /// Asks the runtime, whose answer is remembered, and counts.
    public func status() async -> NodeStatus {
        let capabilities = await self.runtime.capabilities()
        let (sessions, executions) = self.table.withLock { table in
            (table.slots.values.count(where: \.machine.isAlive), table.orders.count)
        }
        let ready = self.pool.readyCounts
        return NodeStatus(
            node: self.configuration.nodeID,
            boot: self.boot,
            sessions: sessions,
            executions: executions,
            capacity: self.configuration.capacity,
            pools: ready.map { shape, count in
                NodeStatus.Pool(image: shape.image, ready: count, target: self.configuration.warmPoolSize)
            }.sorted { $0.image < $1.image },
            isDispatcherHeard: self.isDispatcherHeard,
            runtime: self.runtime.name,
            capabilities: capabilities
        )
    }
}
