import Foundation
import JSON
import TestSpawn
import Testing

private let python = "/usr/bin/python3.11"

@Suite struct JSONScannerFuzzTests {
    /// Python's own reader, made strict, answers 1 or 0 for each input of a file.
    private static let judge = """
        import json, sys
        def refuse(word): raise ValueError(word)
        data = open(sys.argv[1], "rb").read()
        answers, place = [], 0
        while place < len(data):
            size = int.from_bytes(data[place:place + 4], "big")
            text = data[place + 4:place + 4 + size]
            place += 4 + size
            try:
                json.loads(text.decode("utf-8"), parse_constant=refuse)
                answers.append("1")
            except ValueError:
                answers.append("0")
        print("".join(answers))
        """

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: python), "\(python) is not installed"))
    func agreesWithPythonOnMutatedTexts() async throws {
        let seed: UInt64 = 4_101_124
        print("JSON mutations: seed \(seed)")
        let inputs = Self.mutations(count: 6000, seed: seed)
        let answers = try await Self.ask(inputs)
        try #require(answers.count == inputs.count)
        for (input, answer) in zip(inputs, answers) {
            let text = String(decoding: input, as: UTF8.self)
            #expect((JSONScanner.validate(input) == nil) == (answer == "1"), "\(text)")
        }
        // Both answers are common: the mutations are neither too timid nor too wild.
        let accepted = answers.filter { $0 == "1" }.count
        #expect(accepted > 500 && accepted < 5500)
    }

    private static func mutations(count: Int, seed: UInt64) -> [[UInt8]] {
        let seeds = [
            #"{"code":"def f(a):\n\treturn \"v\" + a","timeout":1.5e-3,"event":{"a":[1,2,{"b":null}]},"ok":true}"#,
            #"[-0, 0.1, 1E+9, "\u00e4\ud83d\ude00", "ä€😀", [], {}, false]"#,
            #"{"a":{"b":{"c":[[[1]]]}},"a":"\\ \/ \b\f\r"}"#, #" "plain" "#, "12345678901234567890.5",
        ].map { Array($0.utf8) }
        let spice =
            Array("{}[]\",:0123456789.eE+-\\/ntruefalsn \t\n\0".utf8) + [
                0x7F, 0x80, 0xC2, 0xE0, 0xED, 0xA0, 0xF0, 0xF4, 0xFF,
            ]
        var generator = SplitMix(state: seed)
        return (0..<count).map { _ in
            var text = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &generator)
                let byte = spice.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text[place] = byte
                case 1: text.insert(byte, at: place)
                case 2: text.remove(at: place)
                default: text.replaceSubrange(place..<min(place + 4, text.count), with: text.prefix(3))
                }
            }
            return text
        }
    }

    private static func ask(_ inputs: [[UInt8]]) async throws -> [Character] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("json-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }  // A file left in the temporary directory harms nobody.
        var data = Data()
        for input in inputs {
            withUnsafeBytes(of: UInt32(input.count).bigEndian) { data.append(contentsOf: $0) }
            data.append(contentsOf: input)
        }
        try data.write(to: file)
        let answer = try await SpawnedProgram.output(of: python, ["-c", self.judge, file.path])
        return Array(String(decoding: answer, as: UTF8.self)).filter { $0 == "0" || $0 == "1" }
    }
}
