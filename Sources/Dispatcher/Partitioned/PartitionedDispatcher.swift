public import Coordination
internal import Glibc
public import MessageBus
public import Messages
internal import SQLite
public import ServiceKit

/// One of several dispatchers: owns some partitions of the commands and events, and decides on all that is in them.
///
/// What it knows of a partition is what the state topic says, and it keeps a copy of that in a file of its own, to look
/// into; the file is made anew at each start. It takes a partition over by a ``Claim`` in its state, reads the state up
/// to there, says once more to the nodes what they are to do, and goes on with the commands and events that the state does
/// not have (docs/decisions/0007).
public final class PartitionedDispatcher: Service {
    let configuration: DispatcherConfiguration
    let member: String
    let storePath: String
    let bus: any PartitionOwningBus
    let core: DispatcherCore
    let outlet = CollectingOutlet()
    let keeper: CapacityKeeper?
    let outbox = Outbox()
    let takeovers = Takeovers()
    let clock: @Sendable () -> Timestamp
    let logger: Logger
    /// The first offset of each owned partition that was not consumed, by topic; as the log's ends are counted.
    let consumed = Locked<[String: [Int: Int64]]>([:])

    static let group = "dispatcher"

    /// - Parameters:
    ///   - member: Names this dispatcher over restarts, unlike any other's.
    ///   - storePath: A file of its own, which is made anew; its folder exists.
    ///   - capacity: Where room on nodes is shared with the other dispatchers.
    ///   - clock: Tells when something is overdue; tests give their own.
    public init(
        configuration: DispatcherConfiguration,
        member: String,
        storePath: String,
        bus: any PartitionOwningBus,
        capacity: (any CapacityLedger)? = nil,
        metrics: MetricsRegistry,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
    ) {
        self.configuration = configuration
        self.member = member
        self.storePath = storePath
        self.bus = bus
        self.core = DispatcherCore(
            configuration: configuration,
            outlet: self.outlet,
            metrics: DispatcherMetrics(registry: metrics),
            isPartitioned: true
        )
        self.clock = clock
        self.logger = logger
        self.keeper = capacity.map { CapacityKeeper(ledger: $0, logger: logger) }
        let outbox = self.outbox
        metrics.gauge("sandbox_dispatcher_outbox", help: "Records that wait to be published") { Double(outbox.count) }
    }

    public func run() async throws {
        for suffix in ["", "-wal", "-shm"] { unlink(self.storePath + suffix) }
        let (core, now) = (self.core, self.clock())
        let writer = try await SerialWriter.open(path: self.storePath) { connection in
            // The state topic has it all: nothing here must survive, and nobody else looks into it.
            try connection.run("PRAGMA synchronous=OFF")
            try connection.run("PRAGMA locking_mode=EXCLUSIVE")
            try connection.run("PRAGMA journal_mode=MEMORY")
            try connection.transaction { try core.prepare(on: connection, now: now) }
        }
        let outcome: Result<Void, any Error>
        do {
            let store = Store(
                writer: writer,
                core: core,
                outlet: self.outlet,
                outbox: self.outbox,
                keeper: self.keeper,
                clock: self.clock
            )
            outcome = .success(try await self.serve(store))
        } catch {
            outcome = .failure(error)
        }
        await writer.close()
        try outcome.get()
    }

    private func serve(_ store: Store) async throws {
        let joining = try await LogPatience(logger: self.logger).answer {
            try await self.bus.own(Dispatcher.topics, group: Self.group, member: self.member)
        }
        guard let ownership = joining else { return }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await self.work(ownership, store))
        } catch {
            outcome = .failure(error)
        }
        await ownership.close()
        try outcome.get()
    }

    private func work(_ ownership: any PartitionOwnership, _ store: Store) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.publish()
                return true
            }
            group.addTask {
                try await self.watch(store)
                return true
            }
            if let keeper = self.keeper {
                group.addTask {
                    try await self.keepCapacity(keeper, store)
                    return true
                }
            }
            group.addTask {
                try await self.takeUntilAskedToStop(ownership, store)
                // What was decided is on the log before others go on.
                try await self.outbox.drained()
                return true
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private func takeUntilAskedToStop(_ ownership: any PartitionOwnership, _ store: Store) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gracefulShutdown() }
            group.addTask { try await self.take(ownership, store) }
            _ = try await group.next()
            group.cancelAll()
            // The intake ends by cancellation, which is what was wanted.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }

    // MARK: What happens to partitions

    private func take(_ ownership: any PartitionOwnership, _ store: Store) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            while let event = try await ownership.next(upTo: self.configuration.batchSize) {
                switch event {
                case .gained(let partitions):
                    self.takeovers.begin(partitions)
                    tasks.addTask { try await self.takeOver(partitions, ownership, store) }
                case .leaving(let partitions):
                    try await self.takeovers.abandon(partitions)
                    try await self.outbox.drained()
                    try await self.drop(partitions, store)
                    await ownership.release(partitions)
                case .lost(let partitions):
                    self.outbox.drop(statePartitions: Set(partitions), of: Topics.state)
                    try await self.takeovers.abandon(partitions)
                    try await self.drop(partitions, store)
                case .deliveries(let deliveries):
                    let contested = try await self.consume(deliveries, ownership, store)
                    if !contested.isEmpty { tasks.addTask { try await self.reclaim(contested, store) } }
                }
            }
        }
    }

    private func drop(_ partitions: [Int], _ store: Store) async throws {
        let core = self.core
        try await store.transaction { try core.drop(partitions, on: $0) }
        self.consumed.withLock { consumed in
            for topic in Dispatcher.topics { for partition in partitions { consumed[topic]?[partition] = nil } }
        }
        self.logger.info("Partitions are not ours any more", metadata: ["partitions": "\(partitions)"])
    }

    /// - Returns: Partitions that are to be claimed again.
    private func consume(
        _ deliveries: [Delivery],
        _ ownership: any PartitionOwnership,
        _ store: Store
    ) async throws -> [Int] {
        let core = self.core
        let now = self.clock()
        var contested: [Int] = []
        for topic in Dispatcher.topics {
            let ofTopic = deliveries.filter { $0.topic == topic }
            if ofTopic.isEmpty { continue }
            contested += try await store.transaction { connection in
                try core.consume(ofTopic, receivedAt: now, on: connection)
                return core.takeContested()
            }
            self.noteConsumed(ofTopic, topic)
            for (partition, next) in Self.ends(of: ofTopic) { ownership.note(next, of: topic, partition: partition) }
        }
        try await self.outbox.waitForRoom()
        return contested
    }

    func noteConsumed(_ deliveries: [Delivery], _ topic: String) {
        self.consumed.withLock { $0[topic, default: [:]].merge(Self.ends(of: deliveries)) { max($0, $1) } }
    }

    private static func ends(of deliveries: [Delivery]) -> [Int: Int64] {
        deliveries.reduce(into: [:]) { $0[$1.partition] = $1.offset + 1 }
    }
}
