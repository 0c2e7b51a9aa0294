import Foundation
import MessageBus
import Testing

extension MessageBusContract {
    func verifyFollowing(_ bus: some MessageBus) async throws {
        try await bus.publish((0..<12).map { message("key \($0)", $0, to: "four", partition: Int($0) % 4) })
        switch self {
        case .followsEveryPartitionFromGivenOffsets:
            let follower = try await bus.follow("four", from: [0: 1, 1: 3, 3: 2])
            #expect(follower.startEndOffsets == [3, 3, 3, 3])
            let deliveries = try await follower.take(6)
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            #expect(deliveries.allSatisfy { (now - 600_000...now + 600_000).contains($0.timestamp) })
            #expect(deliveries.filter { $0.partition == 0 }.map(\.offset) == [1, 2])
            #expect(deliveries.filter { $0.partition == 1 }.isEmpty)
            #expect(deliveries.filter { $0.partition == 2 }.map(\.offset) == [0, 1, 2])
            #expect(deliveries.filter { $0.partition == 3 }.map(\.offset) == [2])
            await follower.close()
            #expect(try await follower.next(upTo: 1).isEmpty)

        case .followsWhatComesLater:
            // Two followers, and a group beside them, each get everything.
            let followers = [try await bus.follow("four", from: [:]), try await bus.follow("four", from: [:])]
            for follower in followers { #expect(try await follower.take(12).count == 12) }
            let waiting = followers.map { follower in Task.immediate { try await follower.next(upTo: 9) } }
            try await bus.publish(message("later", 99, to: "four"))
            for task in waiting { #expect(try await task.value.bodies == [99]) }
            for follower in followers { await follower.close() }

        case .showsTombstonesToFollowers:
            try await bus.ensureTopics([TopicConfiguration(name: "state", partitions: 1, isCompacted: true)])
            try await bus.publish([
                message("a", 1, to: "state"), message("b", 2, to: "state"),
                OutgoingMessage(topic: "state", key: "a", body: nil),
                OutgoingMessage(topic: "state", key: "c", body: []),
            ])
            let follower = try await bus.follow("state", from: [0: 1])
            let deliveries = try await follower.take(3)
            #expect(deliveries.map(\.key) == ["b", "a", "c"])
            // A tombstone is not an empty message.
            #expect(deliveries.map(\.body) == [[2], nil, []])
            await follower.close()

        case .tellsWhenAFollowerHasCaughtUp:
            let follower = try await bus.follow("four", from: [:])
            _ = try await follower.take(12)
            let waiting = Task.immediate { try await follower.next(upTo: 1) }
            try await follower.waitUntilCaughtUp()
            await follower.close()
            #expect(try await waiting.value.isEmpty)

        default:
            let error = await #expect(throws: BusError.self) { _ = try await bus.follow("four", from: [2: 4]) }
            #expect(error?.code == .offsetOutOfRange)
        }
    }
}
