import Testing

@testable import SandboxAgent

@Suite struct AnswerReaderTests {
    private func bytes(length: Int, kind: UInt8, payload: [UInt8]) -> [UInt8] {
        let header = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        return header + [kind, 3, 0, 0, 0] + [5, 0, 0, 0, 0, 0, 0, 0] + [0, 1, 0, 0, 0, 0, 0, 0] + payload
    }

    private func read(_ bytes: [UInt8], limit: Int = 5000) -> AnswerReader.Progress {
        var reader = AnswerReader(resultLimit: limit)
        return bytes.withUnsafeBytes { reader.append($0) }
    }

    @Test func anAnswerInPiecesIsRead() {
        var reader = AnswerReader(resultLimit: 100)
        let answer = self.bytes(length: 23, kind: 0x52, payload: [0x31, 0x32])
        for (index, byte) in answer.enumerated() {
            let progress = withUnsafeBytes(of: byte) { reader.append($0) }
            guard index == answer.count - 1 else {
                #expect(progress == .needsMore)
                continue
            }
            let expected = Answer(
                kind: .result,
                status: 3,
                earlierCPUMicroseconds: 5,
                childCPUMicroseconds: 256,
                payload: [0x31, 0x32]
            )
            #expect(progress == .complete(expected))
        }
    }

    @Test(arguments: [0, 20, 5022, 1 << 31, 0xFFFF_FFFF])
    func aLengthOutOfBoundsIsNoAnswer(length: Int) {
        #expect(self.read(self.bytes(length: length, kind: 0x52, payload: [])) == .malformed)
    }

    @Test func aPayloadOfTheLimitIsAnAnswer() {
        let payload = [UInt8](repeating: 0x20, count: 5000)
        guard case .complete(let answer) = self.read(self.bytes(length: 5021, kind: 0x52, payload: payload)) else {
            Issue.record("not complete")
            return
        }
        #expect(answer.payload == payload)
    }

    @Test func anUnknownKindIsNoAnswer() {
        #expect(self.read(self.bytes(length: 21, kind: 0xFF, payload: [])) == .malformed)
    }
}
