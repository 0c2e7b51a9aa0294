internal import Coordination
internal import Dispatcher
internal import KafkaBus
internal import MessageBus
internal import RedisCoordination
internal import ServiceKit

/// What the processes of a cluster meet in.
struct ClusterConnections: Sendable {
    let bus: KafkaBus
    let coordination: RedisCoordination
}

/// Runs the services of one process over the cluster's log.
enum ClusterServices {
    /// Waits for the log, makes the services and runs them until the process is told to stop; then closes everything.
    static func run(
        _ settings: ClusterSettings,
        _ make: (ClusterConnections) async throws -> [any Service]
    ) async throws {
        let connections = ClusterConnections(
            bus: try await KafkaBus.open(configuration: settings.kafka, logger: settings.logger.labeled("kafka")),
            coordination: try await RedisCoordination.open(settings.redis, logger: settings.logger.labeled("redis"))
        )
        let deadline = ShutdownDeadline(drainTimeout: settings.drainTimeout, logger: settings.logger)
        let outcome: Result<Void, any Error>
        do {
            // A broker that is not up yet is waited for: the processes of a cluster start in any order.
            _ = try await LogPatience(logger: settings.logger).answer {
                try await connections.bus.ensureTopics(Dispatcher.topics(partitions: settings.partitions))
            }
            let group = ServiceGroup(
                try await make(connections),
                drainTimeout: settings.drainTimeout,
                deadline: deadline,
                logger: settings.logger
            )
            outcome = .success(try await group.run())
        } catch {
            outcome = .failure(error)
        }
        await connections.bus.close()
        await connections.coordination.close()
        deadline.cancel()
        try outcome.get()
    }
}
