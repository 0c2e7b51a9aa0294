import Testing

@testable import WorkerNode

@Suite struct ReaperStateMachineTests {
    private let start = ContinuousClock.now
    private let listing = SandboxFolders.Listing(claimed: ["a"], pooled: ["p"], removing: [".removing-r"])

    private func inspect(
        _ reaper: inout ReaperStateMachine,
        after seconds: Int,
        isFirst: Bool = false,
        isHeard: Bool = true,
        known: Set<String> = []
    ) -> [String] {
        reaper.inspect(
            self.listing,
            isFirst: isFirst,
            isDispatcherHeard: isHeard,
            now: self.start + .seconds(seconds),
            isKnown: known.contains
        )
    }

    @Test func atBootRemovesPoolsAndRemovalsOfFormerBoots() {
        var reaper = ReaperStateMachine(grace: .seconds(10))
        #expect(self.inspect(&reaper, after: 0, isFirst: true, isHeard: false) == [".removing-r", "p"])
    }

    @Test func atBootLeavesASessionsFolderAlone() {
        var reaper = ReaperStateMachine(grace: .zero)
        #expect(!self.inspect(&reaper, after: 0, isFirst: true, isHeard: false).contains("a"))
    }

    @Test func removesTheUnknownOnlyAfterTheGrace() {
        var reaper = ReaperStateMachine(grace: .seconds(10))
        #expect(!self.inspect(&reaper, after: 0).contains("a"))
        #expect(!self.inspect(&reaper, after: 9).contains("a"))
        #expect(self.inspect(&reaper, after: 10).contains("a"))
    }

    @Test func removesNothingUnknownBeforeADispatcherIsHeard() {
        var reaper = ReaperStateMachine(grace: .seconds(10))
        _ = self.inspect(&reaper, after: 0, isHeard: false)
        #expect(!self.inspect(&reaper, after: 100, isHeard: false).contains("a"))
        #expect(self.inspect(&reaper, after: 101, isHeard: true).contains("a"))
    }

    @Test func whoWasKnownMeanwhileGetsTheWholeGraceAgain() {
        var reaper = ReaperStateMachine(grace: .seconds(10))
        _ = self.inspect(&reaper, after: 0)
        #expect(!self.inspect(&reaper, after: 20, known: ["a"]).contains("a"))
        #expect(!self.inspect(&reaper, after: 25).contains("a"))
        #expect(self.inspect(&reaper, after: 35).contains("a"))
    }

    @Test func leavesARemovalThatIsUnderWay() {
        var reaper = ReaperStateMachine(grace: .seconds(10))
        #expect(!self.inspect(&reaper, after: 0, known: ["r"]).contains(".removing-r"))
    }
}
