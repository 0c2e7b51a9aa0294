import Messages
import StateStore
import Testing

@testable import APIGateway

@Suite struct ReadModelStateTests {
    private static let start = ContinuousClock.now

    private static func change(_ execution: Execution, offset: Int64 = 0) -> ReadModelState.Change {
        ReadModelState.Change(
            key: .execution(execution.spec.id),
            record: .execution(execution),
            partition: 0,
            offset: offset
        )
    }

    private static func gone(_ key: StateKey) -> ReadModelState.Change {
        ReadModelState.Change(key: key, record: nil, partition: 1, offset: 7)
    }

    private func makeState() -> ReadModelState { ReadModelState(cacheBytes: 1 << 20, now: Self.start) }

    private func version(_ state: ReadModelState, _ id: String) -> Int? {
        guard case .execution(let execution) = state.cache.peek(.execution(ExecutionID(id))) else { return nil }
        return execution.version
    }

    @Test func anOlderRecordDoesNotReplaceANewerOne() {
        var state = self.makeState()
        let ended = RecordCacheTests.execution("e", version: 3, status: .completed)
        #expect(state.apply(Self.change(ended), now: Self.start) == .ended(ExecutionID("e"), nil))
        let late = RecordCacheTests.execution("e", version: 2, status: .running)
        #expect(state.apply(Self.change(late, offset: 1), now: Self.start) == nil)
        #expect(self.version(state, "e") == 3)
        #expect(state.depths.total == 0)
        // It was followed nevertheless.
        #expect(state.offsets == [0: 2])
    }

    @Test func anotherIncarnationReplacesAHigherVersion() {
        func session(_ incarnation: String, _ version: Int) -> StateRecord {
            let spec = SessionSpec(
                id: SessionID("s"),
                incarnation: Incarnation(incarnation),
                templateID: TemplateID("t"),
                image: "",
                runtime: .python311,
                resources: Resources(cpu: "", memory: "", disk: "", cpuMillis: 0, memoryBytes: 0, diskBytes: 0),
                createdAt: Timestamp(microseconds: 0)
            )
            let now = Timestamp(microseconds: 0)
            return .session(Session(spec: spec, version: version, updatedAt: now, lastActivityAt: now))
        }
        #expect(!ReadModelState.isNews(session("a", 1), after: session("a", 2)))
        #expect(ReadModelState.isNews(session("a", 2), after: session("a", 2)))
        #expect(ReadModelState.isNews(session("b", 1), after: session("a", 2)))
    }

    @Test func anExecutionIsCountedFromAcceptanceToItsEnd() throws {
        var state = self.makeState()
        let pending = RecordCacheTests.execution("e", version: 0)
        try state.expect(pending, perSession: 2, total: 2, now: Self.start)
        #expect(state.depths.depth(of: SessionID("s")) == 1)
        state.confirm(ExecutionID("e"))
        _ = state.apply(Self.change(RecordCacheTests.execution("e", version: 1)), now: Self.start)
        #expect(state.depths.total == 1)
        let ended = RecordCacheTests.execution("e", version: 2, status: .failed)
        #expect(state.apply(Self.change(ended), now: Self.start) == .ended(ExecutionID("e"), ended))
        #expect(state.depths.total == 0)
        // A second time it is no news.
        #expect(state.apply(Self.change(ended), now: Self.start) == .ended(ExecutionID("e"), nil))
    }

    @Test func whatIsNotPublishedLeavesNoTrace() throws {
        var state = self.makeState()
        try state.expect(RecordCacheTests.execution("e", version: 0), perSession: 1, total: 1, now: Self.start)
        state.withdraw(ExecutionID("e"))
        #expect(state.depths.total == 0)
        #expect(self.version(state, "e") == nil)
        #expect(!state.hasUnwritten)
    }

    @Test func withdrawingDoesNotHideWhatCameNevertheless() throws {
        var state = self.makeState()
        try state.expect(RecordCacheTests.execution("e", version: 0), perSession: 1, total: 1, now: Self.start)
        _ = state.apply(Self.change(RecordCacheTests.execution("e", version: 1)), now: Self.start)
        state.withdraw(ExecutionID("e"))
        #expect(self.version(state, "e") == 1)
        #expect(state.depths.total == 1)
    }

    @Test func fullQueuesSayWhich() throws {
        var state = self.makeState()
        try state.expect(RecordCacheTests.execution("a"), perSession: 1, total: 9, now: Self.start)
        #expect(throws: ReadModelState.QueueFull.self) {
            try state.expect(RecordCacheTests.execution("b"), perSession: 1, total: 9, now: Self.start)
        }
        #expect(throws: ReadModelState.QueueFull.self) {
            try state.expect(RecordCacheTests.execution("b"), perSession: 9, total: 1, now: Self.start)
        }
        try state.expect(RecordCacheTests.execution("b"), perSession: 2, total: 2, now: Self.start)
    }

    @Test func tombstonesEndWaitingAndCounting() throws {
        var state = self.makeState()
        try state.expect(RecordCacheTests.execution("e"), perSession: 9, total: 9, now: Self.start)
        let effect = state.apply(Self.gone(.execution(ExecutionID("e"))), now: Self.start)
        #expect(effect == .gone(ExecutionID("e")))
        #expect(state.depths.total == 0)
        #expect(state.apply(Self.gone(.session(SessionID("s"))), now: Self.start) == .sessionChanged(SessionID("s")))
        #expect(state.apply(Self.gone(.decision(CommandID("c"))), now: Self.start) == nil)
    }

    @Test func aFailedBatchGoesAgainWithItsOffsets() {
        var state = self.makeState()
        _ = state.apply(Self.change(RecordCacheTests.execution("e"), offset: 4), now: Self.start)
        let first = state.takeBatch()
        #expect(first.offsets == [0: 5])
        #expect(!state.hasUnwritten)
        _ = state.apply(Self.change(RecordCacheTests.execution("f"), offset: 5), now: Self.start)
        state.didFailToWrite(first)
        let second = state.takeBatch()
        #expect(second.offsets == [0: 6])
        #expect(Set(second.changes.map(\.key)) == [.execution(ExecutionID("e")), .execution(ExecutionID("f"))])
    }

    @Test func drainingGivesTheTimeToComeAgain() {
        var rate = DrainRate(now: Self.start)
        #expect(rate.secondsUntil(excess: 10, now: Self.start) == 30)
        rate.ended(100, now: Self.start + .seconds(10))
        #expect(rate.perSecond(now: Self.start + .seconds(10)) == 10)
        #expect(rate.secondsUntil(excess: 1, now: Self.start + .seconds(10)) == 1)
        #expect(rate.secondsUntil(excess: 55, now: Self.start + .seconds(10)) == 6)
        // Half of the last window lies within 30 s.
        #expect(rate.perSecond(now: Self.start + .seconds(45)) == 100.0 / 2 / 30)
        #expect(rate.secondsUntil(excess: 5000, now: Self.start + .seconds(45)) == 300)
        #expect(rate.perSecond(now: Self.start + .seconds(120)) == 0)
    }
}
