import Testing

@testable import WorkerNode

@Suite struct WarmPoolStateMachineTests {
    private let python = PoolShape(image: "python", runtimeType: "python3.11")
    private let start = ContinuousClock.now

    private func machine(_ target: Int) -> WarmPoolStateMachine<Int> {
        WarmPoolStateMachine(targets: [self.python: target])
    }

    @Test func startsWhatIsMissingOnce() {
        var machine = self.machine(2)
        #expect(machine.starts(now: self.start).count == 2)
        #expect(machine.starts(now: self.start).isEmpty)
    }

    @Test func whoWaitedLongestIsClaimedAndReplaced() {
        var machine = self.machine(2)
        _ = machine.starts(now: self.start)
        #expect(machine.started(self.python, id: "a", handle: 1) == .keep)
        #expect(machine.started(self.python, id: "b", handle: 2) == .keep)
        #expect(machine.claim(self.python, now: self.start)?.handle == 1)
        #expect(machine.starts(now: self.start).isEmpty)
        // The last one is replaced at once, and what was put off along with it.
        #expect(machine.claim(self.python, now: self.start)?.handle == 2)
        #expect(machine.claim(self.python, now: self.start) == nil)
        #expect(machine.starts(now: self.start) == [self.python, self.python])
        #expect(machine.nextStart == nil)
    }

    @Test func aReplacementIsPutOffOnceWhileOthersWait() throws {
        var machine = self.machine(3)
        _ = machine.starts(now: self.start)
        for id in 0..<3 { _ = machine.started(self.python, id: "\(id)", handle: id) }
        _ = machine.claim(self.python, now: self.start)
        let due = try #require(machine.nextStart)
        #expect(due > self.start)
        _ = machine.claim(self.python, now: self.start + .milliseconds(10))
        #expect(machine.nextStart == due)
        #expect(machine.starts(now: self.start + .milliseconds(20)).isEmpty)
        #expect(machine.starts(now: due).count == 2)
        #expect(machine.nextStart == nil)
    }

    @Test func anotherShapeIsAMiss() {
        var machine = self.machine(1)
        _ = machine.starts(now: self.start)
        _ = machine.started(self.python, id: "a", handle: 1)
        #expect(machine.claim(PoolShape(image: "python", runtimeType: "nodejs20"), now: self.start) == nil)
        #expect(machine.claim(PoolShape(image: "other", runtimeType: "python3.11"), now: self.start) == nil)
    }

    @Test func failedStartsAreTriedOneByOneAndMoreAndMoreSeldom() throws {
        var machine = self.machine(3)
        #expect(machine.starts(now: self.start).count == 3)
        for _ in 0..<3 { machine.startFailed(self.python, now: self.start) }
        #expect(machine.starts(now: self.start).isEmpty)
        let first = try #require(machine.nextStart)
        #expect(first > self.start)
        #expect(machine.starts(now: first).count == 1)
        #expect(machine.nextStart == nil)
        machine.startFailed(self.python, now: first)
        let second = try #require(machine.nextStart)
        #expect(second - first > first - self.start)
        #expect(machine.starts(now: second).count == 1)
        #expect(machine.started(self.python, id: "a", handle: 1) == .keep)
        #expect(machine.starts(now: second).count == 2)
    }

    @Test func theRestNeverGrowsBeyondAMinute() throws {
        var machine = self.machine(1)
        var now = self.start
        for _ in 0..<20 {
            #expect(machine.starts(now: now).count == 1)
            machine.startFailed(self.python, now: now)
            let next = try #require(machine.nextStart)
            #expect(next - now <= .seconds(60))
            now = next
        }
    }

    @Test func oneThatDiesUnusedIsReplacedAfterARest() throws {
        var machine = self.machine(1)
        _ = machine.starts(now: self.start)
        _ = machine.started(self.python, id: "a", handle: 1)
        let wasPooled = machine.died(self.python, id: "a", now: self.start)
        #expect(wasPooled)
        #expect(machine.claim(self.python, now: self.start) == nil)
        #expect(machine.starts(now: self.start).isEmpty)
        #expect(machine.starts(now: try #require(machine.nextStart)).count == 1)
    }

    @Test func oneThatDiesAfterItWasClaimedIsNotThePools() {
        var machine = self.machine(1)
        _ = machine.starts(now: self.start)
        _ = machine.started(self.python, id: "a", handle: 1)
        _ = machine.claim(self.python, now: self.start)
        let wasPooled = machine.died(self.python, id: "a", now: self.start)
        #expect(!wasPooled)
        #expect(machine.starts(now: self.start).count == 1)
    }

    @Test func aClosedPoolGivesBackWhatWaitsAndTakesNothing() {
        var machine = self.machine(2)
        _ = machine.starts(now: self.start)
        _ = machine.started(self.python, id: "a", handle: 1)
        #expect(machine.close().map(\.handle) == [1])
        #expect(machine.started(self.python, id: "b", handle: 2) == .discard)
        #expect(machine.claim(self.python, now: self.start) == nil)
        #expect(machine.starts(now: self.start).isEmpty)
        #expect(machine.nextStart == nil)
    }
}
