import Foundation
import KafkaBus
import MessageBus
import ServiceKit

/// Measures a hop over the broker that `KAFKA_BOOTSTRAP_SERVERS` names: `swift run -c release kafka-bus-benchmark [rounds]`.
///
/// One record at a time, in a topic of its own that stays. Prints a line for each figure: its name, p50 and p99, in
/// milliseconds.
@main enum KafkaBusBenchmark {
    static func main() async throws {
        let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 2000
        let configuration = try KafkaBusConfiguration(
            reader: ConfigurationReader(ProcessInfo.processInfo.environment)
        )
        let bus = try await KafkaBus.open(configuration: configuration, logger: .disabled)
        let topic = "benchmark-\(getpid())"
        try await bus.ensureTopics([TopicConfiguration(name: topic, partitions: 1, retention: .seconds(60))])
        let follower = try await bus.follow(topic, from: [:])
        var (confirmed, followed): ([Duration], [Duration]) = ([], [])
        for round in 0..<rounds + rounds / 4 {
            let begin = ContinuousClock.now
            async let delivery = Self.receive(follower)
            try await bus.publish(
                [OutgoingMessage(topic: topic, key: "k", body: [UInt8](repeating: 65, count: 300))],
                durability: .flushed
            )
            let confirmation = ContinuousClock.now - begin
            let arrival = try await delivery - begin
            // The first ones make the way warm.
            if round >= rounds / 4 {
                confirmed.append(confirmation)
                followed.append(arrival)
            }
        }
        Self.report("published and confirmed", confirmed)
        Self.report("published until followed", followed)
        await follower.close()
        await bus.close()
    }

    private static func receive(_ follower: any MessageFollower) async throws -> ContinuousClock.Instant {
        _ = try await follower.next(upTo: 1)
        return .now
    }

    private static func report(_ name: String, _ times: [Duration]) {
        let sorted = times.map { $0 / .milliseconds(1) }.sorted()
        let (p50, p99) = (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
        print("\(name)\t\(String(format: "%.2f\t%.2f", p50, p99))")
    }
}
