/// What an interpreter says on its channel at the end of an execution.
///
/// User code runs in the process that sends it and may find the channel: every byte is hostile. On the wire: length of the
/// rest (`UInt32`, little-endian), kind (one letter), exit code (4 bytes), CPU time in microseconds that it had used before
/// the code ran and that of waited-for children (8 bytes each), payload.
struct Answer: Equatable {
    enum Kind: UInt8 {
        /// A handler's return value, JSON.
        case result = 0x52
        /// A script's end.
        case noResult = 0x4E
        /// A failure; the payload is a line that says which.
        case error = 0x45
        /// A return value over its limit; the payload is a line that says so.
        case tooLarge = 0x4C
    }

    var kind: Kind
    var status: Int32
    var earlierCPUMicroseconds: Int64 = 0
    var childCPUMicroseconds: Int64 = 0
    var payload: [UInt8]
}

/// Gathers an ``Answer`` from what arrives.
struct AnswerReader {
    enum Progress: Equatable {
        case needsMore
        case complete(Answer)
        /// It is not an answer, and nothing more is read.
        case malformed
    }

    /// Without the length itself.
    private static let headerLength = 21

    private var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter resultLimit: Longer payloads are malformed, but for a few lines of message.
    init(resultLimit: Int) { self.limit = max(resultLimit, 4096) }

    mutating func append(_ more: UnsafeRawBufferPointer) -> Progress {
        self.bytes.append(contentsOf: more)
        guard self.bytes.count >= 4 else { return .needsMore }
        let length = self.number(at: 0, count: 4)
        guard length >= Self.headerLength, length - Self.headerLength <= self.limit else { return .malformed }
        guard self.bytes.count - 4 >= length else { return .needsMore }
        guard let kind = Answer.Kind(rawValue: self.bytes[4]) else { return .malformed }
        let answer = Answer(
            kind: kind,
            status: Int32(self.number(at: 5, count: 4) & 0xFF),
            earlierCPUMicroseconds: Int64(self.number(at: 9, count: 7)),
            childCPUMicroseconds: Int64(self.number(at: 17, count: 7)),
            payload: Array(self.bytes[(4 + Self.headerLength)..<(4 + length)])
        )
        return .complete(answer)
    }

    private func number(at start: Int, count: Int) -> Int {
        var value = 0
        for index in (0..<count).reversed() { value = value << 8 | Int(self.bytes[start + index]) }
        return value
    }
}
