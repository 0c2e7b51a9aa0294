import JSON
import Testing

@Suite struct JSONScannerTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "-0", "-0.0", "1e400", "1E+2", "12345678901234567890123", "\"\"",
        " \t\r\n[ ] ",
        "{\"a\":[{\"b\":{}}],\"c\":\"\\u00e4\\n\"}", "\"\\ud800\"", "\"a/b\\/\"", "{\"a\":1,\"a\":2}", "\"ä€😀\"",
        "[1 , 2]",
        "\"\u{7f}\"",
    ])
    func accepts(_ text: String) {
        #expect(JSONScanner.validate(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        ("[1,]", 3), ("01", 1), ("NaN", 0), ("-", 1), ("1.", 2), (".5", 0), ("1e", 2), ("+1", 0), ("{\"a\"}", 4),
        ("{a:1}", 1),
        ("{\"a\":1,}", 7), ("[1 2]", 3), ("[}", 1), ("{\"a\":1]", 6), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\t\"", 1),
        ("{} x", 3), ("tru", 3), ("\"abc", 4), ("[", 1), ("\u{feff}{}", 0), ("'a'", 0), ("[1]]", 3), ("\"\\", 2),
        ("{\"a\":1 \"b\":2}", 7), ("nullx", 4), ("0x10", 1), ("Infinity", 0),
    ])
    func tellsWhereTheGrammarBreaks(_ text: String, _ offset: Int) {
        #expect(JSONScanner.validate(Array(text.utf8)) == JSONFault(.syntax, offset: offset))
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC2], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8],
            [0xE2, 0x82],
            [0xF0, 0x9F, 0x98], [0x80],
        ] as [[UInt8]]
    )
    func refusesWhatIsNoUTF8(_ wrong: [UInt8]) {
        #expect(JSONScanner.validate([34] + wrong + [34]) == JSONFault(.encoding, offset: 1))
        // Also behind a break of the grammar: a client whose body is no text hears that first.
        #expect(JSONScanner.validate([91, 44] + wrong)?.code == .encoding)
    }

    @Test func knowsEmptyFromBroken() {
        #expect(JSONScanner.validate([]) == JSONFault(.empty, offset: 0))
        #expect(JSONScanner.validate(Array(" \n".utf8)) == JSONFault(.empty, offset: 0))
    }

    @Test func allowsAsManyLevelsAsTheLimitAndNotOneMore() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: 91, count: depth) + Array(repeating: 93, count: depth)
        }
        #expect(JSONScanner.validate(nested(512)) == nil)
        #expect(JSONScanner.validate(nested(513)) == JSONFault(.depth, offset: 512))
        #expect(JSONScanner.validate(nested(100_000))?.code == .depth)
        // Objects and arrays in turn: each bracket is closed by its own kind, across every word of the bit set.
        let mixed = (0..<512).map { $0 % 3 == 0 ? "{\"a\":" : "[" }.joined()
        let closing = (0..<512).reversed().map { $0 % 3 == 0 ? "}" : "]" }.joined()
        #expect(JSONScanner.validate(Array("\(mixed)1\(closing)".utf8)) == nil)
        #expect(JSONScanner.validate(Array("\(mixed)1\(closing.dropLast())]".utf8)) != nil)
        #expect(JSONScanner.validate(nested(3), maxDepth: 2) == JSONFault(.depth, offset: 2))
    }

    /// The word-wise search must see each special byte at each place of a word, and of the tail behind the words.
    @Test func seesSpecialBytesWhereverTheyAre() {
        for length in 0..<20 {
            for place in 0..<length {
                for special in [0, 10, 31, 34, 92, 128, 255] as [UInt8] {
                    var text = [UInt8](repeating: 97, count: length)
                    text[place] = special
                    let isValid = JSONScanner.validate([34] + text + [34]) == nil
                    #expect(!isValid, "\(special) at \(place) of \(length)")
                }
                for harmless in [32, 33, 35, 91, 93, 126, 127] as [UInt8] {
                    var text = [UInt8](repeating: 97, count: length)
                    text[place] = harmless
                    #expect(JSONScanner.validate([34] + text + [34]) == nil)
                }
            }
        }
    }
}
