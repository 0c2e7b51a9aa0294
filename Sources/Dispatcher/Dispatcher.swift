public import MessageBus
public import Messages
internal import SQLite
public import ServiceKit

/// Consumes commands and events, decides, and publishes what follows: the only part that does.
///
/// Each batch of records is one transaction: the new state, how far the log was consumed, and the records that follow. A
/// process killed anywhere starts again from the last of them. Transactions are not flushed one by one: what they hold can
/// be derived again from the flushed commands and events before them.
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
        self.core = DispatcherCore(configuration: configuration, metrics: DispatcherMetrics(registry: metrics))
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

    public func run() async throws {
        let (core, bus, now) = (self.core, self.bus, self.clock())
        try await self.transaction { try core.prepare(on: $0, bus: bus, now: now) }
        let commands = try await self.bus.subscribe(to: Topics.commands, group: "dispatcher")
        let events = try await self.bus.subscribe(to: Topics.events, group: "dispatcher")
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await gracefulShutdown()
                    await commands.stop()
                    await events.stop()
                    // The consumers end it: what they hold is still carried out.
                    try await Task.sleep(for: .seconds(86_400))
                }
                group.addTask { try await self.expire() }
                group.addTask {
                    async let ending: Void = self.consume(events)
                    try await self.consume(commands)
                    try await ending
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            await commands.close()
            await events.close()
            throw error
        }
        await commands.close()
        await events.close()
    }

    private func consume(_ subscription: any MessageSubscription) async throws {
        let (core, bus) = (self.core, self.bus)
        while true {
            let deliveries = try await subscription.next(upTo: self.configuration.batchSize)
            if deliveries.isEmpty { return }
            try await self.transaction { connection in
                try core.consume(deliveries, on: connection, bus: bus)
                try bus.acknowledge(deliveries, from: subscription, on: connection)
            }
        }
    }

    private func expire() async throws {
        let (core, bus) = (self.core, self.bus)
        while true {
            try await Task.sleep(for: self.configuration.expiryInterval)
            let now = self.clock()
            while try await self.transaction({ try core.expire(now: now, on: $0, bus: bus) }) {}
        }
    }

    /// Runs the body until its transaction is committed; a full disk is waited for.
    private func transaction<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        let core = self.core
        while true {
            let outcome: Result<T, any Error> = await withCheckedContinuation { caller in
                self.bus.writer.enqueue(
                    durability: .relaxed,
                    { connection in
                        do { return try body(connection) } catch {
                            // Before the next body of this group: it must not build on what is undone.
                            core.invalidate()
                            throw error
                        }
                    },
                    completion: { outcome in
                        // The whole group may have failed after the body had succeeded.
                        if case .failure = outcome { core.invalidate() }
                        caller.resume(returning: outcome)
                    }
                )
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
