import HTTPServer
import Testing

@Suite struct HTTPByteRangeTests {
    @Test(
        arguments: [
            (nil, .whole), ("", .whole), ("bytes", .whole), ("bytes=", .whole), ("bytes=-", .whole),
            ("bytes=a-b", .whole),
            ("bytes=1", .whole), ("bytes=5-4", .whole), ("items=0-1", .whole), ("bytes=0-1,3-4", .whole),
            ("bytes=0-1 2", .whole), ("bytes=+1-2", .whole), ("bytes=1--2", .whole), ("bytes=0x1-2", .whole),
            ("bytes=0-0", .part(0..<1)), ("bytes=0-4", .part(0..<5)), ("bytes=0-9", .part(0..<10)),
            ("bytes=0-10", .part(0..<10)), ("bytes=5-", .part(5..<10)), ("bytes=9-", .part(9..<10)),
            ("bytes=-3", .part(7..<10)), ("bytes=-10", .part(0..<10)), ("bytes=-99", .part(0..<10)),
            ("Bytes= 2-3 ", .part(2..<4)), ("bytes=0-99999999999999999999", .part(0..<10)),
            ("bytes=-99999999999999999999", .part(0..<10)), ("bytes=0-9223372036854775807", .part(0..<10)),
            ("bytes=10-", .unsatisfiable), ("bytes=10-12", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999-", .unsatisfiable),
        ] as [(String?, HTTPByteRange)]
    )
    func readsARangeOfTenBytes(_ header: String?, _ range: HTTPByteRange) {
        #expect(HTTPByteRange(header: header, length: 10) == range)
    }

    @Test(arguments: ["bytes=0-", "bytes=0-0", "bytes=-1"])
    func findsNothingToSatisfyInNothing(_ header: String) {
        #expect(HTTPByteRange(header: header, length: 0) == .unsatisfiable)
    }

    @Test func namesTheRangeInAnAnswer() {
        #expect(HTTPByteRange.part(2..<5).contentRange(length: 10) == "bytes 2-4/10")
        #expect(HTTPByteRange.unsatisfiable.contentRange(length: 10) == "bytes */10")
        #expect(HTTPByteRange.whole.contentRange(length: 10) == nil)
    }
}
