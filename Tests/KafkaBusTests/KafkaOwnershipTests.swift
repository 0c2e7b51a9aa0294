import Foundation
import KafkaBus
import MessageBus
import ServiceKit
import Testing

/// Owners of partitions on a real broker.
@Suite(.enabled(if: SharedKafka.missing == nil, "needs a Kafka broker: see KAFKA_HOME"))
struct KafkaOwnershipTests {
    private static let topics = ["commands", "events"]

    private static func bus(_ name: String) async throws -> KafkaBus {
        let bus = try await SharedKafka.bus(name)
        try await bus.ensureTopics(Self.topics.map { TopicConfiguration(name: $0, partitions: 8) })
        return bus
    }

    /// Takes events until the condition holds of what is owned; begins what is gained, lets go of what is asked for.
    private static func settle(
        _ owner: any PartitionOwnership,
        _ owned: Locked<Set<Int>>,
        until isSettled: (Set<Int>) -> Bool
    ) async throws {
        while !isSettled(owned.withLock { $0 }) {
            guard let event = try await owner.next(upTo: 100) else { return }
            switch event {
            case .gained(let partitions):
                owned.withLock { $0.formUnion(partitions) }
                for partition in partitions { try await owner.begin(partition, at: [:]) }
            case .leaving(let partitions):
                owned.withLock { $0.subtract(partitions) }
                await owner.release(partitions)
            case .lost(let partitions): owned.withLock { $0.subtract(partitions) }
            case .deliveries: break
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func anOwnerReadsTheSameNumbersOfEveryTopic() async throws {
        let bus = try await Self.bus("numbers")
        for topic in Self.topics {
            try await bus.publish(
                (0..<8).map { OutgoingMessage(topic: topic, key: "k", partition: $0, body: [UInt8($0)]) },
                durability: .flushed
            )
        }
        let owner = try await bus.own(Self.topics, group: "g", member: "a")
        var deliveries: [Delivery] = []
        while deliveries.count < 15 {
            switch try #require(try await owner.next(upTo: 4)) {
            case .gained(let partitions):
                for partition in partitions {
                    // One message of partition 3 was dealt with before.
                    try await owner.begin(partition, at: partition == 3 ? ["events": 1] : [:])
                }
            case .deliveries(let taken):
                #expect(taken.count <= 4)
                deliveries += taken
            case .leaving, .lost: Issue.record("nobody else wants a partition")
            }
        }
        let places = deliveries.map { "\($0.topic)/\($0.partition)/\($0.offset)" }
        #expect(Set(places).count == 15)
        #expect(!places.contains("events/3/0"))
        for delivery in deliveries {
            owner.note(delivery.offset + 1, of: delivery.topic, partition: delivery.partition)
        }
        await owner.close()
        #expect(try await owner.next(upTo: 1) == nil)
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func anOwnerWhoseNameAnotherTakesEndsAndIsToldWhy() async throws {
        let bus = try await Self.bus("names")
        let owned = Locked<Set<Int>>([])
        let first = try await bus.own(Self.topics, group: "g", member: "a")
        try await Self.settle(first, owned) { $0.count == 8 }
        let second = try await bus.own(Self.topics, group: "g", member: "a")
        let error = await #expect(throws: BusError.self) {
            try await Self.settle(first, owned) { _ in false }
        }
        #expect(error?.isRetriable == false)
        #expect(error?.message.contains("under this member's name") == true, "\(error.debugDescription)")
        owned.withLock { $0 = [] }
        try await Self.settle(second, owned) { $0.count == 8 }
        await first.close()
        await second.close()
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func twoOwnersShareAndNobodyElseIsDisturbed() async throws {
        let bus = try await Self.bus("shares")
        let (first, second) = (Locked<Set<Int>>([]), Locked<Set<Int>>([]))
        let a = try await bus.own(Self.topics, group: "g", member: "a")
        try await Self.settle(a, first) { $0.count == 8 }
        let b = try await bus.own(Self.topics, group: "g", member: "b")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.settle(a, first) { $0.count == 4 } }
            group.addTask { try await Self.settle(b, second) { $0.count == 4 } }
            try await group.waitForAll()
        }
        #expect(first.withLock { $0 }.union(second.withLock { $0 }) == Set(0..<8))
        // What follows comes to the one who has it, and to nobody else.
        for partition in 0..<8 {
            try await bus.publish(OutgoingMessage(topic: "events", key: "k", partition: partition, body: [1]))
        }
        for (owner, owned) in [(a, first), (b, second)] {
            var partitions: [Int] = []
            while partitions.count < 4 {
                if case .deliveries(let taken)? = try await owner.next(upTo: 10) {
                    partitions += taken.map(\.partition)
                }
            }
            #expect(Set(partitions) == owned.withLock { $0 })
        }
        await a.close()
        await b.close()
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func whoComesBackInTimeGetsItsPartitionsBack() async throws {
        let (bus, other) = (try await Self.bus("back"), try await Self.bus("back"))
        let (first, second) = (Locked<Set<Int>>([]), Locked<Set<Int>>([]))
        let a = try await bus.own(Self.topics, group: "g", member: "a")
        try await Self.settle(a, first) { $0.count == 8 }
        let b = try await other.own(Self.topics, group: "g", member: "b")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.settle(a, first) { $0.count == 4 } }
            group.addTask { try await Self.settle(b, second) { $0.count == 4 } }
            try await group.waitForAll()
        }
        let before = second.withLock { $0 }
        await b.close()
        let again = try await other.own(Self.topics, group: "g", member: "b")
        let third = Locked<Set<Int>>([])
        try await Self.settle(again, third) { $0.count == 4 }
        #expect(third.withLock { $0 } == before)
        // The other was told nothing meanwhile: the next that it hears of is this.
        let kept = try #require(first.withLock { $0 }.first)
        try await bus.publish(OutgoingMessage(topic: "events", key: "k", partition: kept, body: [1]))
        let event = try await a.next(upTo: 10)
        guard case .deliveries? = event else {
            Issue.record("expected a delivery, got \(String(describing: event))")
            return
        }
        await a.close()
        await again.close()
        await bus.close()
        await other.close()
    }

    @Test(.timeLimit(.minutes(10))) func whoStaysAwayIsReplaced() async throws {
        let (bus, other) = (try await Self.bus("away"), try await Self.bus("away"))
        let (first, second) = (Locked<Set<Int>>([]), Locked<Set<Int>>([]))
        let a = try await bus.own(Self.topics, group: "g", member: "a")
        try await Self.settle(a, first) { $0.count == 8 }
        let b = try await other.own(Self.topics, group: "g", member: "b")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.settle(a, first) { $0.count == 4 } }
            group.addTask { try await Self.settle(b, second) { $0.count == 4 } }
            try await group.waitForAll()
        }
        // As a process that ends: it does not say that it leaves.
        await b.close()
        try await Self.settle(a, first) { $0.count == 8 }
        await a.close()
        await bus.close()
        await other.close()
    }
}
