import Glibc
import MessageBus
import SQLite
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct InlineConsumerTests {
    let folder: TemporaryFolder
    let bus: EmbeddedBus

    init() async throws {
        self.folder = try TemporaryFolder()
        self.bus = try await EmbeddedBus.open(path: self.folder.log)
        try await self.bus.ensureTopics([
            TopicConfiguration(name: "in", partitions: 2), TopicConfiguration(name: "out", partitions: 1),
        ])
    }

    @Test func takesEachMessageInTheTransactionThatAppendsIt() async throws {
        let consumer = Doubling(bus: self.bus)
        #expect(try await self.attach(consumer, [:]))
        try await self.publish([1, 2])
        #expect(consumer.taken == [[1], [2]])
        // What it appended meanwhile is there as soon as the publisher is answered.
        #expect(try await self.bus.endOffsets(of: "out") == [2])
        self.bus.detach(from: ["in"])
        try await self.publish([3])
        #expect(consumer.taken.count == 2)
        await self.bus.close()
    }

    @Test func whatItRefusesIsNotAppendedAndItsNeighboursAre() async throws {
        let consumer = Doubling(bus: self.bus)
        #expect(try await self.attach(consumer, [:]))
        // One group: the writer is held until all three wait.
        let (held, gate) = (Signal(), DispatchGate())
        let bus = self.bus
        async let holding: Void = bus.writer.write { _ in
            held.fire()
            gate.wait()
        }
        try await held.wait()
        let outcomes = await withTaskGroup(of: (UInt8, Bool).self) { group in
            for body in [10, Doubling.refused, 11] as [UInt8] {
                group.addImmediateTask {
                    do { try await bus.publish(Self.message(body)) } catch { return (body, false) }
                    return (body, true)
                }
            }
            gate.open()
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        try await holding
        #expect(outcomes == [10: true, Doubling.refused: false, 11: true])
        #expect(try await bus.endOffsets(of: "in").reduce(0, +) == 2)
        #expect(try await bus.endOffsets(of: "out") == [2])
        await bus.close()
    }

    @Test func oneThatIsBehindIsNotAttached() async throws {
        try await self.publish([1])
        let consumer = Doubling(bus: self.bus)
        #expect(try await !self.attach(consumer, [:]))
        #expect(try await self.attach(consumer, [0: 1, 1: 1]))
        await self.bus.close()
    }

    private static func message(_ body: UInt8) -> OutgoingMessage {
        OutgoingMessage(topic: "in", key: "k", partition: 0, body: [body])
    }

    private func publish(_ bodies: [UInt8]) async throws {
        for body in bodies { try await self.bus.publish(Self.message(body)) }
    }

    private func attach(_ consumer: Doubling, _ next: [Int: Int64]) async throws -> Bool {
        let bus = self.bus
        return try await bus.writer.write { try bus.attach(consumer, next: ["in": next], on: $0) }
    }
}

/// Appends a message to `out` for each of `in`, after which it may refuse.
private final class Doubling: InlineConsumer {
    static let refused: UInt8 = 99
    private let bodies = Locked<[[UInt8]]>([])
    private let bus: EmbeddedBus

    init(bus: EmbeddedBus) { self.bus = bus }

    var taken: [[UInt8]] { self.bodies.withLock { $0 } }

    func consume(_ deliveries: [Delivery], on connection: Connection) throws {
        for delivery in deliveries {
            try self.bus.append([OutgoingMessage(topic: "out", key: "k", body: delivery.body)], on: connection)
            if delivery.body == [Self.refused] { throw BusError(.invalidMessage, "refused") }
            self.bodies.withLock { $0.append(delivery.body ?? []) }
        }
    }
}

/// Holds a thread of ours, which may block.
private final class DispatchGate: Sendable {
    private let monitor = Locked(false)

    func open() { self.monitor.withLock { $0 = true } }

    func wait() {
        while !self.monitor.withLock({ $0 }) { sched_yield() }
    }
}
