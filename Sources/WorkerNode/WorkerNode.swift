public import Coordination
public import MessageBus
public import Messages
public import SandboxRuntime
public import ServiceKit
import Synchronization

/// One worker node: does what the dispatcher asks of it, in sandboxes of its own, and reports what becomes of it.
///
/// It consumes `sandbox.node.<id>`. A command is acknowledged, durably, before code starts: a worker that finds it again
/// after a crash knows that it never started. On graceful shutdown it takes no more commands, lets running executions
/// finish for the drain timeout, and then reports the rest as crashed: they had started. Sandboxes end with the node, the
/// folders of live sessions stay.
public final class WorkerNode: Service {
    let configuration: WorkerNodeConfiguration
    let bus: any MessageBus
    let runtime: any SandboxRuntime
    let logger: Logger
    let metrics: WorkerNodeMetrics
    let publisher: EventPublisher
    let mapper: OutcomeMapper
    let folders: SandboxFolders
    let gate: StartGate
    let pool: WarmPool
    let table: Locked<SessionTable>
    let reaper: Locked<ReaperStateMachine>
    let fence = Locked(Fence())
    let leases: SessionLeases?
    /// Sandboxes that ran on while we did not, until their session is asked for.
    let recovered = Locked<[ContainerID: any Sandbox]>([:])
    /// Names this start of the worker.
    public let boot = Incarnation.make()
    let bootedAt = Timestamp.now()
    private let isHeard = Atomic(false)

    /// - Parameters:
    ///   - bus: The topics of events and of this node exist, or `run()` makes the node's.
    ///   - runtime: Whoever made it shuts it down, after this.
    ///   - locks: Of sessions, where other nodes might have them too.
    ///   - registry: Takes the metrics `sandbox_worker_…`; one worker per registry.
    /// - Throws: `ThreadError` when the system gives no thread.
    public init(
        configuration: WorkerNodeConfiguration,
        bus: any MessageBus,
        runtime: any SandboxRuntime,
        locks: (any SessionLocks)? = nil,
        registry: MetricsRegistry,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.bus = bus
        self.runtime = runtime
        var logger = logger
        logger[metadataKey: LogKey.node] = configuration.nodeID.rawValue
        self.logger = logger
        self.metrics = WorkerNodeMetrics(registry: registry)
        let owner = "\(configuration.nodeID)/\(self.boot)"
        self.leases = locks.map { [logger] in SessionLeases(locks: $0, owner: owner, logger: logger) }
        self.publisher = EventPublisher(bus: bus, metrics: self.metrics, logger: logger)
        self.mapper = OutcomeMapper(resultLimit: configuration.resultLimit)
        self.folders = try SandboxFolders(path: configuration.sandboxesDirectory)
        self.gate = StartGate(limit: configuration.startsAtOnce)
        var targets: [PoolShape: Int] = [:]
        for image in configuration.pooledImages where configuration.warmPoolSize > 0 {
            targets[PoolShape(image: image, runtimeType: RuntimeType.python311.name)] = configuration.warmPoolSize
        }
        self.pool = WarmPool(
            targets: targets,
            runtime: runtime,
            folders: self.folders,
            gate: self.gate,
            logger: logger
        )
        self.table = Locked(SessionTable(maxSessions: configuration.capacity))
        self.reaper = Locked(ReaperStateMachine(grace: configuration.reaperGrace))
        let (table, pool) = (self.table, self.pool)
        registry.gauge("sandbox_worker_sessions", help: "Sessions on this node") {
            Double(table.withLock { $0.slots.count })
        }
        registry.gauge("sandbox_worker_executions", help: "Executions that run, wait, or are not yet published") {
            Double(table.withLock { $0.orders.count })
        }
        registry.gauge("sandbox_worker_pool_ready", help: "Sandboxes that wait for a session") {
            Double(pool.readyCounts.values.reduce(0, +))
        }
    }

    /// Whether a dispatcher has written to this node since it started.
    var isDispatcherHeard: Bool { self.isHeard.load(ordering: .relaxed) }

    func noteHeard() { self.isHeard.store(true, ordering: .relaxed) }

    public func run() async throws {
        try await self.folders.prepare()
        let topic = TopicConfiguration(
            name: Topics.node(self.configuration.nodeID),
            partitions: 1,
            retention: .seconds(86_400)
        )
        let patience = LogPatience(logger: self.logger)
        // Asked to stop before anything began: then nothing is to be ended.
        guard try await patience.answer({ try await self.bus.ensureTopics([topic]) }) != nil else { return }
        let recovered = await self.runtime.recover()
        self.recovered.withLock { known in
            for sandbox in recovered { known[ContainerID(sandbox.id.rawValue)] = sandbox }
        }
        let doomed = await self.findDoomedFolders(isFirst: true)
        guard let intake = try await patience.answer({ try await self.openIntake() }) else { return }
        await self.publishReport(isFirst: true)
        self.logger.info("Worker node runs", metadata: ["boot": "\(self.boot)"])
        let failure = await self.serve(intake, doomed)
        await intake.close()
        self.logger.info("Worker node stopped")
        if let failure { throw failure }
    }

    private func openIntake() async throws -> any CommandIntake {
        let topic = Topics.node(self.configuration.nodeID)
        guard let path = self.configuration.journalPath else {
            return SubscribedIntake(try await self.bus.subscribe(to: topic, group: "worker"))
        }
        return try await JournaledIntake.open(path: path, bus: self.bus, topic: topic, logger: self.logger)
    }

    /// Runs everything until the intake ends. Returns why, if nobody asked for it.
    private func serve(_ intake: any CommandIntake, _ doomed: [String]) async -> (any Error)? {
        let drained = Signal()
        return await withDiscardingTaskGroup { tasks in
            tasks.addTask { await self.pool.run() }
            tasks.addTask { await self.keepReporting(removing: doomed) }
            tasks.addTask { await self.keepBeating(intake) }
            tasks.addTask { await self.leases?.keep { incarnation, _ in await self.lose(incarnation) } }
            tasks.addTask { await self.drainWhenAsked(intake, drained) }
            var failure: (any Error)?
            do {
                try await self.takeCommands(from: intake, &tasks)
                await self.waitUntilSettled()
                drained.fire()
            } catch {
                failure = error
                self.logger.error("The intake of commands failed", metadata: [LogKey.error: "\(error)"])
            }
            await self.stopSessions()
            await self.waitUntilSettled()
            tasks.cancelAll()
            return failure
        }
    }

    /// Suspends until every order that came has an end on the log, or the task is cancelled.
    private func waitUntilSettled() async {
        guard let settled = self.table.withLock({ $0.settledSignal() }) else { return }
        // Cancelled: the executions are as well, and the task group waits for them.
        do { try await settled.wait() } catch { return }
    }

    /// The three steps of a shutdown: take nothing more, let run, stop.
    private func drainWhenAsked(_ intake: any CommandIntake, _ drained: Signal) async {
        // Nothing but cancellation is thrown: then the intake has ended by itself.
        do { try await gracefulShutdown() } catch { return }
        self.table.withLock { $0.shutDown() }
        await intake.stop()
        // Whoever places sessions learns at once.
        await self.beat(intake)
        let timeout = self.configuration.drainTimeout
        let isDrained = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                // Cancelled once the other has won.
                do { try await drained.wait() } catch { return false }
                return true
            }
            group.addTask {
                do { try await Task.sleep(for: timeout) } catch { return true }
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
        if !isDrained {
            let count = self.table.withLock { $0.orders.count }
            self.logger.warning("Executions did not end in time; stopping them", metadata: [LogKey.count: "\(count)"])
            await self.stopSessions()
        }
    }

    /// Stops the sandbox of every session; the files stay. One that ran on while we did not, and that nobody has asked for
    /// yet, runs on: the next start finds it again.
    func stopSessions() async {
        let endings = self.table.withLock { table in
            table.shutDown()
            return table.slots.keys.compactMap { table.end($0, removesFiles: false) }
        }
        await withDiscardingTaskGroup { group in
            for ending in endings { group.addTask { await self.carryOut(ending) } }
        }
    }
}
