import Messages
import Testing

@Suite struct IdentifierTests {
    @Test func madeIdsSortByTheirTime() {
        let ids = (0..<2000).map { _ in ExecutionID.make() }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func idsOfManyTasksAreDistinct() async {
        let ids = await withTaskGroup(of: [SessionID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<500).map { _ in SessionID.make() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(ids).count == 4000)
    }

    @Test func aMadeIdTellsItsTime() throws {
        let before = Timestamp.now()
        for made in [try #require(ExecutionID.make().madeAt), try #require(SessionID.make().madeAt)] {
            // Ids rise strictly: of many in one microsecond the last ones are ahead of the clock.
            #expect(made >= before && made.microseconds <= Timestamp.now().microseconds + 1_000_000)
        }
        #expect(ExecutionID("exec_" + String(repeating: "0", count: 23)).madeAt?.microseconds == 0)
    }

    @Test(arguments: [
        "", "exec_", "exec_0000000000000000000000", "exec_000000000000000000000000", "exec00000000000000000000000",
        "exec_0000000000000000000000u", "exec_000000000000000000000U0", "exec_é000000000000000000000",
        "exec_zzzzzzzzzzzzzzzzzzzzzzz", "sess_00000000000000000000000", "00000000-0000-0000-0000-000000000000",
    ])
    func whatIsNoMadeIdTellsNoTime(_ text: String) {
        #expect(ExecutionID(text).madeAt == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000+00:00"),
        (1_764_018_228_123_456, "2025-11-24T21:03:48.123456+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
        (951_782_400_000_001, "2000-02-29T00:00:00.000001+00:00"),
    ])
    func timestampsAreISO8601(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }
}
