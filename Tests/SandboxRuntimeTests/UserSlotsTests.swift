import Testing

@testable import SandboxRuntime

@Suite struct UserSlotsTests {
    @Test func givesEachUserOnce() {
        var slots = UserSlots(first: 100, count: 3, start: 2)
        #expect((0..<3).map { _ in slots.take(preferred: nil) } == [102, 100, 101])
        #expect(slots.take(preferred: nil) == nil)
        slots.giveBack(100)
        #expect(slots.take(preferred: nil) == 100)
    }

    @Test func prefersTheOwnerOfTheFiles() {
        var slots = UserSlots(first: 100, count: 3, start: 0)
        #expect(slots.take(preferred: 101) == 101)
        #expect(slots.take(preferred: 101) == 100)
        #expect(slots.take(preferred: 0) == 102)
    }

    @Test func letsAUserRestAsLongAsPossible() {
        var slots = UserSlots(first: 100, count: 3, start: 0)
        for expected: UInt32 in [100, 101, 102, 100] {
            let user = slots.take(preferred: nil)
            #expect(user == expected)
            slots.giveBack(expected)
        }
    }
}
