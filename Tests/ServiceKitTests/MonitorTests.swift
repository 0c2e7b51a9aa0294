import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct MonitorTests {
    @Test func aThreadOfOurOwnWaitsForAValue() async throws {
        let (box, done) = (Monitor<Int?>(nil), Signal())
        let seen = Locked(0)
        try DedicatedThread.start(name: "monitor-test") {
            seen.withLock { $0 = box.wait { $0 } }
            done.fire()
        }
        box.withLock { $0 = 5 }
        box.signal()
        try await done.wait()
        #expect(seen.withLock { $0 } == 5)
    }

    @Test func aTimedWaitGivesUp() async throws {
        let (box, done) = (Monitor<Int?>(nil), Signal())
        let results = Locked([Int?]())
        try DedicatedThread.start(name: "monitor-test") {
            results.withLock { $0.append(box.wait(for: .milliseconds(1)) { $0 }) }
            box.withLock { $0 = 6 }
            results.withLock { $0.append(box.wait(for: .seconds(60)) { $0 }) }
            done.fire()
        }
        try await done.wait()
        #expect(results.withLock { $0 } == [nil, 6])
    }
}
