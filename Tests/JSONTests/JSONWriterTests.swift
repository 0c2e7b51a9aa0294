import JSON
import Testing

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func setsCommasByItself() {
        let text = self.text { writer in
            writer.object { writer in
                writer.field("id", "x")
                writer.field("count", 3)
                writer.field("ratio", 0.5)
                writer.field("ok", true)
                writer.field("none", nil as String?)
                writer.field("env", ["b": "2", "a": "1"])
                writer.array("list", [1, 2]) { $0.int($1) }
                writer.object("inner") { _ in }
                writer.field("event", raw: Array("{\"n\": 1.0 }\n".utf8))
                writer.field("last", ["a", "b"])
            }
        }
        #expect(
            text == #"{"id":"x","count":3,"ratio":0.5,"ok":true,"none":null,"env":{"a":"1","b":"2"},"list":[1,2],"#
                + #""inner":{},"event":{"n": 1.0 },"last":["a","b"]}"#
        )
    }

    @Test(arguments: [
        ("", "\"\""), ("a\"b\\", #""a\"b\\""#), ("\n\r\t\u{8}\u{c}\u{1}\u{1f}", #""\n\r\t\b\f\u0001\u001f""#),
        ("ä€😀", "\"ä€😀\""),
        ("\u{7f}", "\"\u{7f}\""), ("a/b", "\"a/b\""), ("12345678\n12345678", #""12345678\n12345678""#),
    ])
    func escapesWhatItMust(_ value: String, _ expected: String) {
        #expect(self.text { $0.string(value) } == expected)
        #expect(self.text { $0.string(bytes: Array(value.utf8)) } == expected)
    }

    @Test(
        arguments: [
            ([0xFF], "\u{fffd}"), ([97, 0xC3], "a\u{fffd}"), ([0xE2, 0x82, 97], "\u{fffd}a"),
            ([0xED, 0xA0, 0x80], "\u{fffd}\u{fffd}\u{fffd}"),
            ([0xF0, 0x9F, 0x98, 0x80], "😀"), ([0xF0, 0x9F, 0x98], "\u{fffd}"), ([0xC0, 0xAF], "\u{fffd}\u{fffd}"),
            ([34, 0x80, 34], "\\\"\u{fffd}\\\""),
        ] as [([UInt8], String)]
    )
    func repairsWhatIsNoUTF8(_ bytes: [UInt8], _ expected: String) {
        #expect(self.text { $0.string(bytes: bytes) } == "\"\(expected)\"")
    }

    /// The same rule as the standard library's, on bytes of every kind.
    @Test func repairsAsTheStandardLibraryDoes() {
        var generator = SplitMix(state: 20_261_124)
        let pool: [UInt8] = [
            97, 0x80, 0xBF, 0xC3, 0xA4, 0xE2, 0x82, 0xAC, 0xED, 0xA0, 0xF0, 0x9F, 0x98, 0xF4, 0x90, 0xFF, 0xE0,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pool[Int.random(in: 0..<pool.count, using: &generator)]
            }
            let written = self.text { $0.string(bytes: bytes) }
            #expect(written == "\"" + String(decoding: bytes, as: UTF8.self) + "\"", "\(bytes)")
        }
    }

    @Test(arguments: [
        (1.0, "1.0"), (0.1, "0.1"), (1e21, "1e+21"), (-0.0, "-0.0"), (.nan, "null"), (.infinity, "null"),
    ])
    func writesTheShortestNumber(_ value: Double, _ expected: String) {
        #expect(self.text { $0.double(value) } == expected)
    }

    @Test(arguments: [0, 7, -1, 10, Int.max, Int.min, 1_234_567])
    func writesIntegers(_ value: Int) {
        #expect(self.text { $0.int(value) } == "\(value)")
    }

    @Test func separatesDocumentsByLines() {
        let text = self.text { writer in
            writer.object { $0.field("a", 1) }
            writer.newline()
            writer.object { $0.field("b", 2) }
            writer.newline()
        }
        #expect(text == "{\"a\":1}\n{\"b\":2}\n")
    }
}

/// A seeded generator: the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
