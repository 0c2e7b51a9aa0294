import Foundation
import KafkaBus
import MessageBus
import ServiceKit
import TestServers
import Testing

/// TLS and passwords, with a real broker.
@Suite(.enabled(if: SharedKafka.missing == nil, "needs a Kafka broker: see KAFKA_HOME"))
struct KafkaSecurityTests {
    @Test(.timeLimit(.minutes(10))) func connectionsAreProtectedAsConfigured() async throws {
        let kafka = try await SecuredKafka.start()
        try await Self.expectStores(
            KafkaBusConfiguration(
                bootstrapServers: kafka.tlsServers,
                topicPrefix: "tls.",
                security: .ssl,
                caPath: kafka.caPath
            )
        )
        try await Self.expectStores(try Self.sasl(kafka, SecuredKafka.password, prefix: "sasl."))
        // Nobody is believed who has another certificate, and nobody let in who has another password.
        let other = try KafkaBusConfiguration(
            bootstrapServers: kafka.tlsServers,
            security: .ssl,
            caPath: kafka.otherCAPath
        )
        #expect(try await Self.refusal(other).message.contains("certificate verify failed"))
        let refusal = try await Self.refusal(try Self.sasl(kafka, "guessed", prefix: ""))
        #expect(refusal.message.contains("uthentication failed") && !"\(refusal)".contains("guessed"), "\(refusal)")
        #expect(!refusal.isRetriable)
        try await kafka.stop()
    }

    private static func sasl(_ kafka: SecuredKafka, _ password: String, prefix: String) throws -> KafkaBusConfiguration
    {
        try KafkaBusConfiguration(
            bootstrapServers: kafka.saslServers,
            topicPrefix: prefix,
            security: .saslSSL,
            saslMechanism: "PLAIN",
            saslUser: SecuredKafka.user,
            saslPassword: Secret(password),
            caPath: kafka.caPath
        )
    }

    private static func expectStores(_ configuration: KafkaBusConfiguration) async throws {
        let bus = try await KafkaBus.open(configuration: configuration, logger: .disabled)
        try await bus.ensureTopics([TopicConfiguration(name: "t", partitions: 2)])
        try await bus.publish([OutgoingMessage(topic: "t", key: "k", body: [7])], durability: .flushed)
        let follower = try await bus.follow("t", from: [:])
        #expect(try await follower.next(upTo: 1).first?.body == [7])
        await follower.close()
        await bus.close()
    }

    private static func refusal(_ configuration: KafkaBusConfiguration) async throws -> BusError {
        let bus = try await KafkaBus.open(configuration: configuration, logger: .disabled)
        let error = await #expect(throws: BusError.self) {
            try await bus.ensureTopics([TopicConfiguration(name: "t", partitions: 2)])
        }
        await bus.close()
        return try #require(error)
    }
}
