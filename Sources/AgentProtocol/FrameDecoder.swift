/// Cuts a stream of bytes into frames, however they arrive.
///
/// Safe on hostile input: it holds at most one frame and what one `append` brought beyond it, and a bad length is an
/// error and no allocation. After an error it stays in that error, since the stream has no boundary to go on from.
public struct FrameDecoder: Sendable {
    private var buffer: [UInt8] = []
    /// What lies before is consumed.
    private var start = 0
    private var hasFailed = false

    public init() {}

    /// Bytes that are not part of a returned frame yet.
    public var pendingByteCount: Int { self.buffer.count - self.start }

    /// Takes in what was read from the stream.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if self.start == self.buffer.count {
            self.buffer.removeAll(keepingCapacity: self.buffer.capacity <= 1 << 16)
            self.start = 0
        } else if self.start > 1 << 16 {
            self.buffer.removeFirst(self.start)
            self.start = 0
        }
        self.buffer.append(contentsOf: bytes)
    }

    /// Takes in what was read from the stream.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.append($0) }
    }

    /// The next whole frame, or `nil` when more bytes are needed.
    public mutating func next() throws(ProtocolError) -> Frame? {
        if self.hasFailed { throw ProtocolError(.malformed, "the stream is out of step after an earlier error") }
        guard self.pendingByteCount >= 4 else { return nil }
        var length = 0
        for index in 0..<4 { length |= Int(self.buffer[self.start + index]) << (8 * index) }
        guard length >= 1, length <= Frame.maximumLength else {
            self.hasFailed = true
            let code: ProtocolError.Code = length == 0 ? .malformed : .frameTooLong
            throw ProtocolError(code, "a frame of \(length) bytes was announced")
        }
        guard self.pendingByteCount - 4 >= length else { return nil }
        let kind = self.buffer[self.start + 4]
        let payload = Array(self.buffer[(self.start + 5)..<(self.start + 4 + length)])
        self.start += 4 + length
        return Frame(kind: kind, payload: payload)
    }
}
