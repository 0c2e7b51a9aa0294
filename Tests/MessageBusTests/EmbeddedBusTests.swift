import MessageBus
import SQLite
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct EmbeddedBusTests {
    let folder: TemporaryFolder

    init() throws { self.folder = try TemporaryFolder() }

    private func open(
        _ configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration(),
        partitions: Int = 1
    ) async throws -> EmbeddedBus {
        let bus = try await EmbeddedBus.open(path: self.folder.log, configuration: configuration)
        try await bus.ensureTopics([TopicConfiguration(name: "t", partitions: partitions)])
        return bus
    }

    private func message(_ body: Int, _ partition: Int? = nil) -> OutgoingMessage {
        OutgoingMessage(topic: "t", key: "key", partition: partition, body: Array("\(body)".utf8))
    }

    private func numbers(_ deliveries: [Delivery]) -> [Int] {
        deliveries.compactMap { Int(String(decoding: $0.body ?? [], as: UTF8.self)) }
    }

    private func all(_ bus: EmbeddedBus) async throws -> [Int] {
        let follower = try await bus.follow("t", from: [:])
        var found: [Int] = []
        while found.count < Int(follower.startEndOffsets.reduce(0, +)) {
            found += self.numbers(try await follower.next(upTo: 1000))
        }
        await follower.close()
        return found
    }

    @Test func keepsMessagesAndOffsetsOverReopening() async throws {
        for round in 0..<3 {
            let bus = try await self.open()
            #expect(try await bus.endOffsets(of: "t") == [Int64(round * 10)])
            try await bus.publish((0..<10).map { self.message(round * 10 + $0) }, durability: .relaxed)
            await bus.close()
        }
        let bus = try await self.open()
        #expect(try await self.all(bus) == Array(0..<30))
        await bus.close()
    }

    @Test func stampsMessagesWithItsClock() async throws {
        let bus = try await self.open(EmbeddedBusConfiguration(clock: { 1_700_000_000_123 }))
        try await bus.publish(self.message(1))
        let follower = try await bus.follow("t", from: [:])
        #expect(try await follower.next(upTo: 1).map(\.timestamp) == [1_700_000_000_123])
        await bus.close()
    }

    @Test func refusesAFileThatIsInUse() async throws {
        let bus = try await self.open()
        let error = await #expect(throws: BusError.self) { _ = try await EmbeddedBus.open(path: self.folder.log) }
        #expect((error?.cause as? SQLiteError)?.code == .locked)
        await bus.close()
        await (try EmbeddedBus.open(path: self.folder.log)).close()
    }

    @Test func endsEveryConsumerWhenItCloses() async throws {
        let bus = try await self.open()
        let member = try await bus.subscribe(to: "t", group: "g")
        let follower = try await bus.follow("t", from: [:])
        let waiting = [
            Task.immediate { try await member.next(upTo: 1) }, Task.immediate { try await follower.next(upTo: 1) },
        ]
        await bus.close()
        for task in waiting { #expect(try await task.value.isEmpty) }
        #expect(await #expect(throws: BusError.self) { try await bus.publish(self.message(1)) }?.code == .closed)
        let late = await #expect(throws: BusError.self) { _ = try await bus.subscribe(to: "t", group: "g") }
        #expect(late?.code == .closed)
    }

    @Test func readsFromDiskWhatATailHasLetGoOf() async throws {
        let bus = try await self.open(EmbeddedBusConfiguration(tailCount: 8, tailBytes: 20), partitions: 3)
        let slow = try await bus.subscribe(to: "t", group: "slow")
        let follower = try await bus.follow("t", from: [:])
        for body in 0..<90 { try await bus.publish(self.message(body, body % 3), durability: .relaxed) }
        var taken: [Delivery] = []
        while taken.count < 90 { taken += try await slow.next(upTo: 7) }
        for partition in 0..<3 {
            let part = taken.filter { $0.partition == partition }
            #expect(part.map(\.offset) == Array(0..<30))
            #expect(self.numbers(part) == (0..<90).filter { $0 % 3 == partition })
        }
        var followed: [Delivery] = []
        while followed.count < 90 { followed += try await follower.next(upTo: 11) }
        #expect(Set(followed) == Set(taken))
        await bus.close()
    }

    @Test func bringsAtLeastOneMessageHoweverLarge() async throws {
        let bus = try await self.open(EmbeddedBusConfiguration(tailCount: 0, readBytes: 10))
        for _ in 0..<3 {
            try await bus.publish(OutgoingMessage(topic: "t", key: "k", body: [UInt8](repeating: 1, count: 100_000)))
        }
        let member = try await bus.subscribe(to: "t", group: "g")
        for offset in Int64(0)..<3 { #expect(try await member.next(upTo: 9).map(\.offset) == [offset]) }
        await bus.close()
    }

    @Test func keepsAPartitionWithItsOwnerUntilItIsSettled() async throws {
        let bus = try await self.open(partitions: 2)
        let first = try await bus.subscribe(to: "t", group: "g")
        try await bus.publish([self.message(0, 0), self.message(1, 1)])
        let held = try await first.next(upTo: 2)
        let second = try await bus.subscribe(to: "t", group: "g")
        let waiting = Task.immediate { try await second.next(upTo: 9) }
        try await bus.publish([self.message(2, 0), self.message(3, 1)])
        // Both partitions are held: the second gets its own once the first has settled.
        let kept = try await first.next(upTo: 9)
        #expect(kept.count == 1)
        try await first.acknowledge(held)
        let gained = try await waiting.value
        #expect(self.numbers(kept + gained).sorted() == [2, 3])
        await bus.close()
    }

    @Test func doesNotRedeliverWhatWasSettledOutOfOrder() async throws {
        let bus = try await self.open()
        try await bus.publish((0..<4).map { self.message($0) })
        let member = try await bus.subscribe(to: "t", group: "g")
        let taken = try await member.next(upTo: 4)
        try await member.acknowledge([taken[1], taken[3]])
        await member.close()
        let other = try await bus.subscribe(to: "t", group: "g")
        let again = try await other.next(upTo: 9)
        #expect(self.numbers(again) == [0, 2])
        try await other.acknowledge(again)
        #expect(try await bus.lag(of: "g", on: "t") == [0])
        await bus.close()
    }

    @Test func refusesToSettleWhatAnotherHolds() async throws {
        let bus = try await self.open(partitions: 2)
        try await bus.publish([self.message(0, 0), self.message(1, 1)])
        let members = [try await bus.subscribe(to: "t", group: "g"), try await bus.subscribe(to: "t", group: "g")]
        let foreign = try await members[1].next(upTo: 1)
        #expect(await #expect(throws: BusError.self) { try await members[0].acknowledge(foreign) }?.code == .notHeld)
        await bus.close()
    }

    @Test func failsCleanlyOnAFullDiskAndGoesOn() async throws {
        let bus = try await self.open()
        try await bus.publish(self.message(0))
        try await bus.writer.write { connection in
            let pages = try connection.first("PRAGMA page_count") { $0.int(0) } ?? 0
            try connection.run("PRAGMA max_page_count=\(pages + 2)")
        }
        let large = OutgoingMessage(topic: "t", key: "k", body: [UInt8](repeating: 1, count: 1_000_000))
        for messages in [[large], [self.message(7), large]] {
            let error = await #expect(throws: BusError.self) { try await bus.publish(messages) }
            #expect(error?.code == .unavailable)
            #expect(error?.isRetriable == true)
        }
        try await bus.writer.write { try $0.run("PRAGMA max_page_count=1000000") }
        let member = try await bus.subscribe(to: "t", group: "g")
        try await bus.publish(self.message(1))
        let taken = try await member.next(upTo: 1) + member.next(upTo: 1)
        #expect(self.numbers(taken) == [0, 1])
        #expect(taken.map(\.offset) == [0, 1])
        await bus.close()
    }

    @Test func publishesFromManyTasksWithoutLossOrGap() async throws {
        let bus = try await self.open(partitions: 4)
        let member = try await bus.subscribe(to: "t", group: "g")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<20 {
                group.addTask {
                    for body in 0..<50 {
                        let durability = body % 2 == 0 ? Durability.flushed : .relaxed
                        try await bus.publish(self.message(task * 50 + body, task % 4), durability: durability)
                    }
                }
            }
            var taken: [Delivery] = []
            while taken.count < 1000 { taken += try await member.next(upTo: 64) }
            #expect(self.numbers(taken).sorted() == Array(0..<1000))
            for task in 0..<20 {
                let own = self.numbers(taken.filter { $0.partition == task % 4 }).filter { $0 / 50 == task }
                #expect(own == Array(task * 50..<task * 50 + 50))
            }
            for partition in 0..<4 {
                #expect(taken.filter { $0.partition == partition }.map(\.offset) == Array(0..<250))
            }
            try await group.waitForAll()
        }
        await bus.close()
    }
}
