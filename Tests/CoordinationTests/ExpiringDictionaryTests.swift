import Testing

@testable import Coordination

@Suite struct ExpiringDictionaryTests {
    @Test func showsNothingThatHasExpired() {
        var dictionary = ExpiringDictionary<Int>()
        let now = ContinuousClock.now
        dictionary.set("a", to: 1, until: now + .seconds(1), now: now)
        #expect(dictionary.value("a", now: now + .milliseconds(999)) == 1)
        #expect(dictionary.value("a", now: now + .seconds(1)) == nil)
    }

    @Test func removesTheExpiredInTime() {
        var dictionary = ExpiringDictionary<Int>()
        let start = ContinuousClock.now
        var now = start
        for number in 0..<100_000 {
            now = start + .milliseconds(number)
            dictionary.set("\(number)", to: number, until: now + .seconds(1), now: now)
        }
        // A thousand live at once.
        #expect(dictionary.count < 4096)
        #expect((99_001..<100_000).allSatisfy { (number: Int) in dictionary.value("\(number)", now: now) == number })
    }
}
