import AgentProtocol
import Testing

@Suite struct FrameDecoderTests {
    @Test(arguments: [1, 2, 3, 7, 64])
    func framesCutAnywhereComeOutWhole(pieceSize: Int) throws {
        let messages: [HostMessage] = [
            .cancel(AgentExecutionID("first")),
            .shutdown,
            .execute(ExecuteRequest(id: AgentExecutionID("second"), language: .shell, code: Array("true".utf8))),
        ]
        let stream = try messages.flatMap { try $0.encoded() }
        var decoder = FrameDecoder()
        var received: [HostMessage] = []
        for start in stride(from: 0, to: stream.count, by: pieceSize) {
            decoder.append(Array(stream[start..<min(start + pieceSize, stream.count)]))
            while let frame = try decoder.next() { received.append(try HostMessage(decoding: frame)) }
        }
        #expect(received == messages)
        #expect(decoder.pendingByteCount == 0)
    }

    @Test(arguments: [[0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [255, 255, 255, 255, 1]] as [[UInt8]])
    func aLengthOutOfBoundsEndsTheStreamForGood(bytes: [UInt8]) {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        #expect(throws: ProtocolError.self) { try decoder.next() }
        decoder.append([1, 0, 0, 0, 4])
        #expect(throws: ProtocolError.self) { try decoder.next() }
    }

    @Test func theLongestFrameIsAccepted() throws {
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, 1, 200])
        #expect(try decoder.next() == nil)
        decoder.append([UInt8](repeating: 7, count: Frame.maximumLength - 1))
        #expect(try decoder.next()?.payload.count == Frame.maximumLength - 1)
    }

    @Test func hostileBytesNeverTrap() {
        let seed = UInt64.random(in: 0..<UInt64.max)
        print("seed \(seed)")
        var generator = SplitMix(state: seed)
        for _ in 0..<3000 {
            let count = Int.random(in: 0..<80, using: &generator)
            let payload = (0..<count).map { _ in
                // Small numbers make lengths that nearly fit.
                Bool.random(using: &generator) ? UInt8.random(in: 0..<16, using: &generator) : 0
            }
            for kind: UInt8 in [1, 2, 3, 4, 65, 66, 67, 68] {
                let frame = Frame(kind: kind, payload: payload)
                // Either outcome is right: what is tested is that there is one.
                _ = try? HostMessage(decoding: frame)
                _ = try? AgentMessage(decoding: frame)
            }
        }
    }
}

/// A generator whose numbers follow from its seed.
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
