import MessageBus
import SQLite
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct TransactionalBusTests {
    let folder: TemporaryFolder
    let writer: SerialWriter
    let bus: EmbeddedBus

    init() async throws {
        self.folder = try TemporaryFolder()
        self.writer = try await SerialWriter.open(path: self.folder.log) { try $0.run("CREATE TABLE state (x)") }
        self.bus = try await EmbeddedBus(writer: self.writer)
        try await self.bus.ensureTopics([TopicConfiguration(name: "t", partitions: 1)])
    }

    private func message(_ body: UInt8) -> OutgoingMessage { OutgoingMessage(topic: "t", key: "k", body: [body]) }

    private func close() async {
        await self.bus.close()
        await self.writer.close()
    }

    @Test func commitsStateAndOffsetsAndMessagesTogether() async throws {
        let (bus, member) = (self.bus, try await self.bus.subscribe(to: "t", group: "g"))
        try await bus.publish(self.message(1))
        let taken = try await member.next(upTo: 1)
        let next = self.message(2)
        let append = try await self.writer.write { connection in
            try connection.execute("INSERT INTO state VALUES (1)")
            try bus.acknowledge(taken, from: member, on: connection)
            return try bus.append([next], on: connection)
        }
        #expect(append.positions.map(\.offset) == [1])
        #expect(try await bus.lag(of: "g", on: "t") == [1])
        #expect(try await member.next(upTo: 9).map(\.body) == [[2]])
        await self.close()
        let again = try await EmbeddedBus.open(path: self.folder.log)
        #expect(try await again.lag(of: "g", on: "t") == [1])
        #expect(try await again.endOffsets(of: "t") == [2])
        await again.close()
    }

    @Test func forgetsEverythingOfABodyThatThrows() async throws {
        let (bus, member) = (self.bus, try await self.bus.subscribe(to: "t", group: "g"))
        try await bus.publish(self.message(1))
        let taken = try await member.next(upTo: 1)
        let never = self.message(66)
        await #expect(throws: CancellationError.self) {
            try await self.writer.write { connection in
                try bus.acknowledge(taken, from: member, on: connection)
                try bus.append([never, never], on: connection)
                throw CancellationError()
            }
        }
        #expect(try await bus.lag(of: "g", on: "t") == [1])
        try await bus.publish(self.message(2))
        let next = try await member.next(upTo: 9)
        #expect(next.map(\.body) == [[2]])
        #expect(next.map(\.offset) == [1])
        try await member.acknowledge(taken + next)
        #expect(try await bus.lag(of: "g", on: "t") == [0])
        await self.close()
    }

    /// One transaction for all: some bodies throw, their neighbours commit, and offsets have no gap.
    @Test func assignsOffsetsWithoutAGapWhenNeighboursAreUndone() async throws {
        let bus = self.bus
        let follower = try await bus.follow("t", from: [:])
        let before = self.writer.commits
        let ready = Signal()
        let (left, positions) = (Locked(9), Locked<[Int: [Int64]]>([:]))
        // Everything is queued from a body: the thread is busy meanwhile.
        self.writer.enqueue { _ in
            for number in 0..<9 {
                self.writer.enqueue { connection in
                    let message = self.message(UInt8(number))
                    try bus.append([message], on: connection)
                    // An inner part that is undone, of a body that may yet commit.
                    let inner = Result {
                        try connection.savepoint {
                            try bus.append([self.message(200)], on: connection)
                            throw CancellationError()
                        }
                    }
                    guard case .failure = inner else { return }
                    let append = try bus.append([message], on: connection)
                    positions.withLock { $0[number] = append.positions.map(\.offset) }
                    if number % 3 == 0 { throw CancellationError() }
                } completion: { (_: Result<Void, any Error>) in
                    let isLast = left.withLock { left in
                        left -= 1
                        return left == 0
                    }
                    if isLast { ready.fire() }
                }
            }
        } completion: { _ in
        }
        try await ready.wait()
        #expect(self.writer.commits - before == 2)
        let deliveries = try await follower.next(upTo: 100)
        #expect(deliveries.map(\.offset) == Array(0..<12))
        #expect(deliveries.map(\.body) == [1, 1, 2, 2, 4, 4, 5, 5, 7, 7, 8, 8].map { [$0] })
        #expect(positions.withLock { $0[8] } == [11])
        await self.close()
    }

    @Test func showsNothingBeforeTheCommit() async throws {
        let bus = self.bus
        let member = try await bus.subscribe(to: "t", group: "g")
        let message = self.message(1)
        let seen = try await self.writer.write { connection in
            try bus.append([message], on: connection)
            let waiting = Task.immediate { try await member.next(upTo: 1) }
            waiting.cancel()
            return waiting
        }
        // It asked within the transaction, and was cancelled there: had it seen the message it would have it.
        await #expect(throws: CancellationError.self) { try await seen.value }
        #expect(try await member.next(upTo: 1).map(\.body) == [[1]])
        await self.close()
    }

    @Test func refusesASubscriptionOfAnotherBus() async throws {
        let other = try await EmbeddedBus.open(path: self.folder.path + "/other.sqlite")
        try await other.ensureTopics([TopicConfiguration(name: "t", partitions: 1)])
        try await other.publish(self.message(1))
        let (bus, foreign) = (self.bus, try await other.subscribe(to: "t", group: "g"))
        let taken = try await foreign.next(upTo: 1)
        let error = await #expect(throws: BusError.self) {
            try await self.writer.write { try bus.acknowledge(taken, from: foreign, on: $0) }
        }
        #expect(error?.code == .notHeld)
        await other.close()
        await self.close()
    }

    @Test func callsBackOnTheWritersThread() async throws {
        let bus = self.bus
        let results = await withCheckedContinuation { (caller: CheckedContinuation<Bool, Never>) in
            bus.publish([self.message(1)], durability: .flushed) { result in
                caller.resume(returning: (try? result.get()) != nil)
            }
        }
        #expect(results)
        let refused = await withCheckedContinuation { (caller: CheckedContinuation<BusError.Code?, Never>) in
            bus.publish([OutgoingMessage(topic: "none", key: "", body: nil)], durability: .flushed) { result in
                if case .failure(let error) = result {
                    caller.resume(returning: error.code)
                } else {
                    caller.resume(returning: nil)
                }
            }
        }
        #expect(refused == .unknownTopic)
        await self.close()
    }
}
