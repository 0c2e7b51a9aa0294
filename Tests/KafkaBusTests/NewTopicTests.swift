import KafkaBus
import MessageBus
import Testing

/// Topics whose leaders are not ready yet: a broker turns away what comes for them, in the middle of what is under way.
@Suite(.enabled(if: SharedKafka.missing == nil, "needs a Kafka broker: see KAFKA_HOME"))
struct NewTopicTests {
    private static let partitions = 16
    private static let perPartition = 8

    @Test(.timeLimit(.minutes(10))) func nothingConfirmedIsMissingInATopicThatSomebodyElseIsMaking() async throws {
        let (maker, publisher) = (try await SharedKafka.bus("new"), try await SharedKafka.bus("new"))
        for number in 0..<20 {
            let topic = "topic-\(number)"
            async let making: Void = maker.ensureTopics([
                TopicConfiguration(name: topic, partitions: Self.partitions)
            ])
            try await Self.publishAll(to: topic, publisher)
            try await making
            let ends = try await publisher.endOffsets(of: topic)
            // Those that are missing would be waited for.
            try #require(ends == Array(repeating: Int64(Self.perPartition), count: Self.partitions))
            let follower = try await publisher.follow(topic, from: [:])
            var bodies: [Int: [UInt8]] = [:]
            for _ in 0..<Self.partitions * Self.perPartition {
                let delivery = try #require(try await follower.next(upTo: 1).first)
                bodies[delivery.partition, default: []] += delivery.body ?? []
            }
            #expect(bodies.values.allSatisfy { $0 == Array(0..<UInt8(Self.perPartition)) })
            await follower.close()
        }
        await maker.close()
        await publisher.close()
    }

    /// As soon as the topic is known; nothing of it waits for the outcome of what went before.
    private static func publishAll(to topic: String, _ bus: KafkaBus) async throws {
        let messages = (0..<UInt8(Self.perPartition)).flatMap { body in
            (0..<Self.partitions).map { OutgoingMessage(topic: topic, key: "k", partition: $0, body: [body]) }
        }
        while true {
            do throws(BusError) {
                return try await bus.publish(messages, durability: .flushed)
            } catch {
                guard error.code == .unknownTopic else { throw error }
            }
        }
    }
}
