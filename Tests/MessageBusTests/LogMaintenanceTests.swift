import MessageBus
import ServiceKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct LogMaintenanceTests {
    let folder: TemporaryFolder
    /// In milliseconds; what the bus takes for the time.
    let time = Locked<Int64>(1_000_000)

    init() throws { self.folder = try TemporaryFolder() }

    private func open(_ topic: TopicConfiguration, batch: Int = 7) async throws -> EmbeddedBus {
        let configuration = EmbeddedBusConfiguration(
            cleaningBatch: batch,
            minimumDirtyRatio: 0,
            clock: { [time] in time.withLock { $0 } }
        )
        let bus = try await EmbeddedBus.open(path: self.folder.log, configuration: configuration)
        try await bus.ensureTopics([topic])
        return bus
    }

    private func pass(_ milliseconds: Int64) { self.time.withLock { $0 += milliseconds } }

    private func contents(_ bus: EmbeddedBus) async throws -> [Delivery] {
        let follower = try await bus.follow("t", from: [:])
        var contents: [Delivery] = []
        let reading = Task.immediate {
            while true {
                let deliveries = try await follower.next(upTo: 5)
                if deliveries.isEmpty { return contents }
                contents += deliveries
            }
        }
        try await follower.waitUntilCaughtUp()
        await follower.close()
        return try await reading.value
    }

    private func publish(_ bus: EmbeddedBus, _ bodies: Range<Int>, key: (Int) -> String = { "\($0)" }) async throws {
        let messages = bodies.map { OutgoingMessage(topic: "t", key: key($0), body: [UInt8($0)]) }
        try await bus.publish(messages, durability: .relaxed)
    }

    @Test func deletesWhatIsPastItsRetention() async throws {
        let topic = TopicConfiguration(name: "t", partitions: 1, retention: .seconds(10))
        var bus = try await self.open(topic)
        try await self.publish(bus, 0..<40)
        self.pass(6000)
        try await self.publish(bus, 40..<45)
        #expect(try await bus.maintain() == 0)
        self.pass(6000)
        #expect(try await bus.maintain() == 40)
        #expect(try await self.contents(bus).map(\.body) == (40..<45).map { [UInt8($0)] })
        self.pass(60_000)
        #expect(try await bus.maintain() == 5)
        await bus.close()
        // Offsets go on although nothing is left that tells where they were.
        bus = try await self.open(topic)
        #expect(try await bus.endOffsets(of: "t") == [45])
        try await self.publish(bus, 50..<51)
        #expect(try await self.contents(bus).map(\.offset) == [45])
        await bus.close()
    }

    @Test func movesAGroupPastWhatIsDeleted() async throws {
        let topic = TopicConfiguration(name: "t", partitions: 1, retention: .seconds(10))
        let bus = try await self.open(topic)
        try await self.publish(bus, 0..<20)
        self.pass(20_000)
        try await bus.maintain()
        let member = try await bus.subscribe(to: "t", group: "g")
        let waiting = Task.immediate { try await member.next(upTo: 9) }
        try await self.publish(bus, 20..<21)
        let taken = try await waiting.value
        #expect(taken.map(\.offset) == [20])
        try await member.acknowledge(taken)
        #expect(try await bus.lag(of: "g", on: "t") == [0])
        await bus.close()
    }

    @Test func leavesTheNewestOfEachKey() async throws {
        let topic = TopicConfiguration(name: "t", partitions: 1, isCompacted: true)
        let bus = try await self.open(topic)
        try await self.publish(bus, 0..<100) { "key \($0 % 10)" }
        #expect(try await bus.maintain() == 90)
        #expect(try await self.contents(bus).map(\.offset) == Array(90..<100))
        try await self.publish(bus, 100..<103) { "key \($0 % 10)" }
        #expect(try await bus.maintain() == 3)
        #expect(try await self.contents(bus).map(\.offset) == Array(93..<103))
        #expect(try await bus.maintain() == 0)
        await bus.close()
    }

    @Test func keepsATombstoneForItsGrace() async throws {
        let topic = TopicConfiguration(
            name: "t",
            partitions: 1,
            isCompacted: true,
            tombstoneGrace: .seconds(10)
        )
        let bus = try await self.open(topic)
        try await self.publish(bus, 0..<3)
        try await bus.publish(OutgoingMessage(topic: "t", key: "1", body: nil))
        #expect(try await bus.maintain() == 1)
        let kept = try await self.contents(bus)
        #expect(kept.map(\.key) == ["0", "2", "1"])
        #expect(kept.map(\.body) == [[0], [2], nil])
        self.pass(9000)
        #expect(try await bus.maintain() == 0)
        self.pass(2000)
        #expect(try await bus.maintain() == 1)
        #expect(try await self.contents(bus).map(\.key) == ["0", "2"])
        await bus.close()
        let again = try await self.open(topic)
        #expect(try await again.endOffsets(of: "t") == [4])
        await again.close()
    }

    @Test(arguments: 0..<5) func agreesWithAModel(_ seed: UInt64) async throws {
        print("compaction seed \(seed)")
        var generator = SplitMix(state: seed)
        let topic = TopicConfiguration(name: "t", partitions: 1, isCompacted: true, tombstoneGrace: .seconds(5))
        let bus = try await self.open(topic, batch: 3)
        var (newest, offset) = ([String: (offset: Int64, time: Int64, isTombstone: Bool)](), Int64(0))
        for _ in 0..<30 {
            for _ in 0..<Int.random(in: 0..<12, using: &generator) {
                let (key, isTombstone) = ("\(Int.random(in: 0..<6, using: &generator))", Bool.random(using: &generator))
                let body: [UInt8]? = isTombstone ? nil : [1]
                try await bus.publish(OutgoingMessage(topic: "t", key: key, body: body), durability: .relaxed)
                newest[key] = (offset, self.time.withLock { $0 }, isTombstone)
                offset += 1
            }
            self.pass(Int64.random(in: 0..<4000, using: &generator))
            try await bus.maintain()
            let now = self.time.withLock { $0 }
            let expected = newest.values.filter { !$0.isTombstone || $0.time >= now - 5000 }.map(\.offset).sorted()
            #expect(try await self.contents(bus).map(\.offset) == expected)
        }
        await bus.close()
    }

    @Test func runsAsAService() async throws {
        let bus = try await self.open(TopicConfiguration(name: "t", partitions: 1, retention: .seconds(1)))
        try await self.publish(bus, 0..<20)
        self.pass(5000)
        let (cleaned, cleanedAgain, deleted) = (Signal(), Signal(), Locked(0))
        let service = LogMaintenanceService(bus: bus, interval: .milliseconds(1), logger: .disabled) { count in
            deleted.withLock { $0 += count }
            (cleaned.isFired ? cleanedAgain : cleaned).fire()
        }
        let group = ServiceGroup([service], drainTimeout: .seconds(10), signals: [], logger: .disabled)
        async let ended: Void = group.run()
        try await cleaned.wait()
        #expect(deleted.withLock { $0 } == 20)
        #expect(try await self.contents(bus).isEmpty)
        // It goes on after the first.
        try await cleanedAgain.wait()
        group.shutDown()
        try await ended
        await bus.close()
    }
}

/// A generator whose seed tells all that it gives.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
