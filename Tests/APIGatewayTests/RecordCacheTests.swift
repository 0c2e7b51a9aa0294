import Messages
import StateStore
import Testing

@testable import APIGateway

@Suite struct RecordCacheTests {
    static func execution(
        _ id: String,
        version: Int = 1,
        status: ExecutionStatus = .pending,
        code: String = "x"
    ) -> Execution {
        let spec = ExecutionSpec(
            id: ExecutionID(id),
            session: SessionID("s"),
            incarnation: Incarnation("i"),
            code: code,
            language: .python,
            createdAt: Timestamp(microseconds: 1)
        )
        return Execution(
            spec: spec,
            status: status,
            outcome: status.isTerminal ? ExecutionOutcome(status: status) : nil,
            version: version
        )
    }

    private static func key(_ id: String) -> StateKey { .execution(ExecutionID(id)) }

    private static func put(_ cache: inout RecordCache, _ id: String, version: Int = 1) {
        cache.set(self.key(id), to: .execution(self.execution(id, version: version)))
    }

    private static func write(_ cache: inout RecordCache) { cache.didWrite(cache.takeBatch()) }

    private func knows(_ cache: inout RecordCache, _ id: String) -> Bool {
        if case .record = cache.lookup(Self.key(id)) { return true }
        return false
    }

    @Test func whatTheDatabaseDoesNotHoldIsNeverDropped() {
        var cache = RecordCache(capacity: 0)
        for number in 0..<10 { Self.put(&cache, "e\(number)") }
        #expect(cache.count == 10)
        let batch = cache.takeBatch()
        #expect(batch.count == 10)
        #expect(cache.count == 10)
        cache.didWrite(batch)
        #expect(cache.count == 0)
        #expect(cache.cost == 0)
    }

    @Test func theLongestUnusedIsDroppedFirst() {
        var cache = RecordCache(capacity: 3 * 710)
        for id in ["a", "b", "c"] { Self.put(&cache, id) }
        Self.write(&cache)
        #expect(self.knows(&cache, "a"))
        Self.put(&cache, "d")
        Self.write(&cache)
        #expect(!self.knows(&cache, "b"))
        for id in ["a", "c", "d"] { #expect(self.knows(&cache, id)) }
    }

    @Test func aChangeWhileItIsWrittenIsWrittenAgain() {
        var cache = RecordCache(capacity: 0)
        Self.put(&cache, "a", version: 1)
        let first = cache.takeBatch()
        Self.put(&cache, "a", version: 2)
        cache.didWrite(first)
        #expect(cache.count == 1)
        let second = cache.takeBatch()
        #expect(second.map(\.record) == [.execution(Self.execution("a", version: 2))])
        cache.didWrite(second)
        #expect(cache.count == 0)
    }

    @Test func severalChangesAreOneRow() {
        var cache = RecordCache(capacity: 0)
        for version in 1...3 { Self.put(&cache, "a", version: version) }
        #expect(cache.takeBatch().count == 1)
    }

    @Test func whatFailsToBeWrittenIsQueuedAgain() {
        var cache = RecordCache(capacity: 0)
        Self.put(&cache, "a")
        let batch = cache.takeBatch()
        #expect(cache.queued == 0)
        cache.didFailToWrite(batch)
        #expect(cache.queued == 1)
        #expect(self.knows(&cache, "a"))
    }

    @Test func goneIsKnownUntilTheDatabaseKnowsIt() {
        var cache = RecordCache(capacity: 1 << 20)
        Self.put(&cache, "a")
        Self.write(&cache)
        cache.set(Self.key("a"), to: nil)
        guard case .gone = cache.lookup(Self.key("a")) else {
            Issue.record("it is not gone")
            return
        }
        Self.write(&cache)
        guard case .unknown = cache.lookup(Self.key("a")) else {
            Issue.record("it is still known")
            return
        }
    }

    @Test func whatIsHeldIsWrittenOnlyWhenConfirmed() {
        var cache = RecordCache(capacity: 0)
        cache.hold(Self.key("a"), .execution(Self.execution("a", version: 0)))
        #expect(cache.queued == 0)
        let isConfirmed = cache.confirm(Self.key("a"))
        #expect(isConfirmed)
        #expect(cache.queued == 1)
        let isConfirmedWithdrawn = cache.withdraw(Self.key("a"))
        #expect(!isConfirmedWithdrawn)
        cache.hold(Self.key("b"), .execution(Self.execution("b", version: 0)))
        let isWithdrawn = cache.withdraw(Self.key("b"))
        #expect(isWithdrawn)
        #expect(!self.knows(&cache, "b"))
        let isConfirmedLate = cache.confirm(Self.key("b"))
        #expect(!isConfirmedLate)
    }

    @Test func aRenderingBelongsToOneVersion() {
        var cache = RecordCache(capacity: 1 << 20)
        Self.put(&cache, "a", version: 1)
        guard case .record(_, let stamp, _) = cache.lookup(Self.key("a")) else {
            Issue.record("it is not there")
            return
        }
        cache.keepRendering([1], of: Self.key("a"), stamp: stamp)
        #expect(cache.rendering(Self.key("a")) == [1])
        Self.put(&cache, "a", version: 2)
        #expect(cache.rendering(Self.key("a")) == nil)
        cache.keepRendering([1], of: Self.key("a"), stamp: stamp)
        #expect(cache.rendering(Self.key("a")) == nil)
    }

    @Test func costsAddUpWhateverHappens() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(state: seed)
        var cache = RecordCache(capacity: 8000)
        for _ in 0..<20_000 {
            let id = "e\(Int.random(in: 0..<40, using: &random))"
            switch Int.random(in: 0...6, using: &random) {
            case 0, 1: Self.put(&cache, id, version: Int.random(in: 0...9, using: &random))
            case 2: cache.set(Self.key(id), to: nil)
            case 3: Self.write(&cache)
            case 4: cache.didFailToWrite(cache.takeBatch())
            case 5: cache.keep(Self.key(id), .execution(Self.execution(id)), rendered: [1, 2])
            default: _ = self.knows(&cache, id)
            }
        }
        Self.write(&cache)
        #expect(cache.cost <= 8000)
        for number in 0..<40 { cache.set(Self.key("e\(number)"), to: nil) }
        Self.write(&cache)
        #expect(cache.count == 0)
        #expect(cache.cost == 0)
    }
}
