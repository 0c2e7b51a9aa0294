import Testing

@testable import KafkaBus

@Suite struct HoldingsTests {
    @Test func aMemberTellsHowFarItIsInWhatItOwnsOnce() {
        var holdings = Holdings()
        holdings.gain([0, 1])
        holdings.note(5, of: "commands", partition: 0)
        holdings.note(7, of: "commands", partition: 0)
        holdings.note(3, of: "events", partition: 1)
        #expect(
            Set(holdings.takeNotes()) == [
                PartitionList.Entry(topic: "commands", partition: 0, offset: 7),
                PartitionList.Entry(topic: "events", partition: 1, offset: 3),
            ]
        )
        #expect(holdings.takeNotes().isEmpty)
    }

    @Test func whatIsLostIsNotToldOfAnyMore() {
        var holdings = Holdings()
        holdings.gain([0, 1])
        holdings.note(5, of: "commands", partition: 0)
        holdings.note(6, of: "commands", partition: 1)
        holdings.drop([0])
        // The work that was under way ends.
        holdings.note(9, of: "commands", partition: 0)
        #expect(holdings.takeNotes() == [PartitionList.Entry(topic: "commands", partition: 1, offset: 6)])
        #expect(!holdings.owns(0) && holdings.owns(1))
        holdings.gain([0])
        #expect(holdings.takeNotes().isEmpty)
    }
}
