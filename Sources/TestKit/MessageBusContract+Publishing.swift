import MessageBus
import Testing

extension MessageBusContract {
    func verifyPublishing(_ bus: some MessageBus) async throws {
        switch self {
        case .keepsTheOrderOfAKey:
            for body in UInt8(0)..<40 { try await bus.publish(message("key \(body % 5)", body, to: "four")) }
            let member = try await bus.subscribe(to: "four", group: "g")
            let deliveries = try await member.take(40)
            for key in 0..<5 {
                let bodies = deliveries.filter { $0.key == "key \(key)" }.bodies
                #expect(bodies == (UInt8(0)..<40).filter { $0 % 5 == key })
            }
            await member.close()

        case .keepsAKeyInItsPartition:
            for body in UInt8(0)..<40 { try await bus.publish(message("key \(body % 5)", body, to: "four")) }
            let follower = try await bus.follow("four", from: [:])
            let byKey = Dictionary(grouping: try await follower.take(40), by: \.key)
            #expect(byKey.count == 5)
            #expect(byKey.values.allSatisfy { Set($0.map(\.partition)).count == 1 })
            await follower.close()

        case .honoursAnExplicitPartition:
            try await bus.publish((0..<4).map { message("same key", UInt8($0), to: "four", partition: $0) })
            let follower = try await bus.follow("four", from: [:])
            let deliveries = try await follower.take(4)
            #expect(deliveries.allSatisfy { $0.body == [UInt8($0.partition)] && $0.key == "same key" })
            #expect(Set(deliveries.map(\.partition)) == [0, 1, 2, 3])
            await follower.close()

        case .choosesPartitionsAsKafkaDoes:
            let keys = (0..<20).map { "session-\($0)" }
            try await bus.publish(keys.map { message($0, 1, to: "four") })
            let follower = try await bus.follow("four", from: [:])
            let deliveries = try await follower.take(20)
            #expect(deliveries.allSatisfy { $0.partition == Partitioner.partition(of: $0.key, count: 4) })
            await follower.close()

        case .publishesSeveralMessagesInOrder:
            try await bus.publish((0..<50).map { message("key", $0) })
            let member = try await bus.subscribe(to: "one", group: "g")
            let deliveries = try await member.take(50)
            #expect(deliveries.bodies == Array(0..<50))
            #expect(deliveries.map(\.offset) == Array(0..<50))
            await member.close()

        case .publishesAllOrNothing:
            let error = await #expect(throws: BusError.self) {
                try await bus.publish([message("a", 1), message("b", 2, partition: 7), message("c", 3)])
            }
            #expect(error?.code == .invalidMessage)
            try await bus.publish(message("d", 4))
            let follower = try await bus.follow("one", from: [:])
            #expect(try await follower.take(1).bodies == [4])
            await follower.close()

        case .refusesUnknownTopics:
            let unknown = message("a", 1, to: "unknown")
            #expect(await #expect(throws: BusError.self) { try await bus.publish(unknown) }?.code == .unknownTopic)
            let subscribing = await #expect(throws: BusError.self) {
                _ = try await bus.subscribe(to: "unknown", group: "g")
            }
            #expect(subscribing?.code == .unknownTopic)

        case .refusesAnotherPartitionCount:
            try await bus.ensureTopics([TopicConfiguration(name: "four", partitions: 4)])
            let error = await #expect(throws: BusError.self) {
                try await bus.ensureTopics([TopicConfiguration(name: "four", partitions: 5)])
            }
            #expect(error?.code == .partitionMismatch)

        default:
            try await self.verifyCounting(bus)
        }
    }

    private func verifyCounting(_ bus: some MessageBus) async throws {
        try await bus.publish((0..<6).map { message("key", $0, to: "four", partition: Int($0) % 2) })
        let ends = try await bus.endOffsets(of: "four")
        #expect(ends == [3, 3, 0, 0])
        var lag = try await bus.lag(of: "g", on: "four")
        #expect(lag == [3, 3, 0, 0])
        let member = try await bus.subscribe(to: "four", group: "g")
        let deliveries = try await member.take(6)
        lag = try await bus.lag(of: "g", on: "four")
        #expect(lag == [3, 3, 0, 0])
        try await member.acknowledge(deliveries.filter { $0.partition == 1 })
        lag = try await bus.lag(of: "g", on: "four")
        #expect(lag == [3, 0, 0, 0])
        await member.close()
    }
}
