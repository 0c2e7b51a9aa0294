import Coordination
import ServiceKit
import TestKit
import Testing

@Suite struct InMemoryCoordinationTests {
    @Test(.timeLimit(.minutes(10)), arguments: CoordinationContract.allCases)
    func honours(_ clause: CoordinationContract) async throws {
        let coordination = InMemoryCoordination()
        try await clause.verify(coordination) { coordination.forget() }
        await coordination.close()
    }

    @Test func anEpochIsAboveThoseOfAClockThatWentBack() async throws {
        let start = CoordinationTime.current()
        let time = Locked(start)
        let coordination = InMemoryCoordination(clock: { time.withLock { $0 } })
        let first = try #require(try await coordination.locks.acquire("s", owner: "a", lease: .seconds(1)))
        time.withLock { time in
            time.instant += .seconds(2)
            time.microseconds -= 3_600_000_000
        }
        let second = try #require(try await coordination.locks.acquire("s", owner: "b", lease: .seconds(1)))
        #expect(second.epoch > first.epoch)
    }

    @Test func aLeaseEndsAtItsMoment() async throws {
        let time = Locked(CoordinationTime.current())
        let coordination = InMemoryCoordination(clock: { time.withLock { $0 } })
        _ = try await coordination.locks.acquire("s", owner: "a", lease: .seconds(1))
        time.withLock { $0.instant += .milliseconds(999) }
        #expect(try await coordination.locks.acquire("s", owner: "b", lease: .seconds(1)) == nil)
        time.withLock { $0.instant += .milliseconds(1) }
        #expect(try await coordination.locks.acquire("s", owner: "b", lease: .seconds(1)) != nil)
    }

    @Test(arguments: [
        (Duration.milliseconds(1), Int64(1)), (.microseconds(1), 1), (.nanoseconds(1_000_001), 2),
        (.seconds(90), 90_000),
    ])
    func countsMillisecondsUpwards(_ duration: Duration, _ milliseconds: Int64) throws {
        #expect(try ArgumentChecks.check(duration) == milliseconds)
    }
}
