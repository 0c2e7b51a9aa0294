import KafkaBus
import ServiceKit
import TestServers

/// One broker for all tests of the process.
enum SharedKafka {
    private static let broker = Task { try await RealKafka.start() }

    static let missing = RealKafka.missing

    /// A bus with topics and groups of its own.
    static func bus(_ prefix: String) async throws -> KafkaBus {
        try await KafkaBus.open(configuration: try await self.configuration(prefix), logger: .disabled)
    }

    static func configuration(_ prefix: String) async throws -> KafkaBusConfiguration {
        try KafkaBusConfiguration(
            bootstrapServers: try await self.broker.value.bootstrapServers,
            topicPrefix: prefix + "."
        )
    }
}
