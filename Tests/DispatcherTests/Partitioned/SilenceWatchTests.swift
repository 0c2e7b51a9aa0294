import Messages
import Testing

@testable import Dispatcher

@Suite struct SilenceWatchTests {
    private static func second(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }

    /// Rounds each second from 0 on.
    private static func watch(rounds: Int64) -> SilenceWatch {
        var watch = SilenceWatch(patience: .seconds(6), longestRound: .seconds(3))
        for second in 0..<rounds { _ = watch.round(at: Self.second(second), hasAnswered: true, isCaughtUp: true) }
        return watch
    }

    @Test func silenceMeansNothingUntilTheLogHasAnsweredForAsLong() {
        var watch = Self.watch(rounds: 6)
        #expect(watch.round(at: Self.second(6), hasAnswered: true, isCaughtUp: true) == .silentSince(Self.second(0)))
        var shorter = Self.watch(rounds: 5)
        #expect(shorter.round(at: Self.second(5), hasAnswered: true, isCaughtUp: true) == .none)
    }

    @Test func whileTheLogIsDownNobodyIsBlamed() {
        var watch = Self.watch(rounds: 20)
        #expect(watch.round(at: Self.second(20), hasAnswered: false, isCaughtUp: false) == .forgive)
        for second in 21..<27 {
            #expect(watch.round(at: Self.second(Int64(second)), hasAnswered: true, isCaughtUp: true) == .none)
        }
        #expect(watch.round(at: Self.second(27), hasAnswered: true, isCaughtUp: true) == .silentSince(Self.second(21)))
    }

    @Test(arguments: [30, 3]) func afterWeStoodStillOurselvesNobodyIsBlamed(second: Int64) {
        var watch = Self.watch(rounds: 20)
        #expect(watch.round(at: Self.second(second), hasAnswered: true, isCaughtUp: true) == .forgive)
        #expect(watch.round(at: Self.second(second + 1), hasAnswered: true, isCaughtUp: true) == .none)
    }

    @Test func whileWeAreBehindNobodyIsBlamed() {
        var watch = Self.watch(rounds: 20)
        #expect(watch.round(at: Self.second(20), hasAnswered: true, isCaughtUp: false) == .none)
        #expect(watch.round(at: Self.second(21), hasAnswered: true, isCaughtUp: true) == .silentSince(Self.second(15)))
    }
}
