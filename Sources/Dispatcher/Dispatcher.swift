public import MessageBus
public import Messages
internal import SQLite
public import ServiceKit

/// Consumes commands and events, decides, and stores what follows: the only part that does.
///
/// It consumes a record within the transaction that appends it: the record, the new state, how far the log was consumed,
/// and the records that follow are stored together, or none of them is. What was appended while no dispatcher ran is read
/// from the log first. A process killed anywhere starts again from the last transaction.
public final class Dispatcher: Service {
    private let bus: any TransactionalMessageBus
    private let configuration: DispatcherConfiguration
    private let core: DispatcherCore
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    /// - Parameter clock: Tells when something is overdue; tests give their own.
    public init(
        configuration: DispatcherConfiguration,
        bus: any TransactionalMessageBus,
        metrics: MetricsRegistry,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
    ) {
        self.configuration = configuration
        self.bus = bus
        self.core = DispatcherCore(
            configuration: configuration,
            outlet: LogOutlet(bus: bus),
            metrics: DispatcherMetrics(registry: metrics)
        )
        self.clock = clock
        self.logger = logger
    }

    /// The topics that the services share, as they have to be.
    public static func topics(partitions: Int) -> [TopicConfiguration] {
        let day = Duration.seconds(86_400)
        return [
            TopicConfiguration(name: Topics.commands, partitions: partitions, retention: day * 7),
            TopicConfiguration(name: Topics.events, partitions: partitions, retention: day * 7),
            TopicConfiguration(name: Topics.state, partitions: partitions, isCompacted: true),
            TopicConfiguration(name: Topics.deadLetter, partitions: 1, retention: day * 30),
        ]
    }

    /// What it consumes.
    static let topics = [Topics.commands, Topics.events]

    public func run() async throws {
        let (core, now) = (self.core, self.clock())
        try await self.transaction { try core.prepare(on: $0, now: now) }
        try await self.catchUp()
        defer { self.bus.detach(from: Self.topics) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gracefulShutdown() }
            group.addTask { try await self.expire() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Takes what was appended before, until nothing is left and further records come by themselves.
    private func catchUp() async throws {
        let (core, bus) = (self.core, self.bus)
        while true {
            let (next, isAttached) = try await self.transaction { connection in
                let next = try core.next(on: connection)
                return (next, try bus.attach(core, next: next, on: connection))
            }
            if isAttached { return }
            for topic in Self.topics { try await self.catchUp(topic, from: next[topic] ?? [:]) }
        }
    }

    private func catchUp(_ topic: String, from next: [Int: Int64]) async throws {
        let core = self.core
        let follower = try await self.bus.follow(topic, from: next)
        // Also where the last messages are deleted and none will come.
        async let caughtUp: Void = {
            try await follower.waitUntilCaughtUp()
            await follower.close()
        }()
        while true {
            let deliveries = try await follower.next(upTo: self.configuration.batchSize)
            if deliveries.isEmpty { break }
            try await self.transaction { try core.consume(deliveries, on: $0) }
        }
        try await caughtUp
        let ends = follower.startEndOffsets
        try await self.transaction { try core.advance(topic, to: ends, on: $0) }
    }

    private func expire() async throws {
        let core = self.core
        while true {
            try await Task.sleep(for: self.configuration.expiryInterval)
            let now = self.clock()
            while try await self.transaction({ try core.expire(now: now, on: $0) }) {}
        }
    }

    /// Runs the body until its transaction is committed; a full disk is waited for.
    private func transaction<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        while true {
            let outcome: Result<T, any Error> = await withCheckedContinuation { caller in
                self.bus.writer.enqueue(durability: .relaxed, body) { caller.resume(returning: $0) }
            }
            switch outcome {
            case .success(let value): return value
            case .failure(let error):
                guard Self.isRetriable(error) else { throw error }
                self.logger.error("Cannot store decisions; trying again", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private static func isRetriable(_ error: any Error) -> Bool {
        switch error {
        case let error as SQLiteError: error.isRetriable
        case let error as BusError: error.isRetriable
        default: false
        }
    }
}
