/// Builds the bytes of one frame.
struct FieldWriter {
    private var bytes: [UInt8]

    init(kind: UInt8, capacity: Int = 256) {
        self.bytes = []
        self.bytes.reserveCapacity(capacity)
        self.bytes.append(contentsOf: [0, 0, 0, 0, kind])
    }

    /// The whole frame, with its length in front.
    func finish() throws(ProtocolError) -> [UInt8] {
        let length = self.bytes.count - 4
        guard length <= Frame.maximumLength else {
            throw ProtocolError(.frameTooLong, "a frame would have \(length) bytes, \(Frame.maximumLength) are allowed")
        }
        var frame = self.bytes
        for index in 0..<4 { frame[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        return frame
    }

    mutating func write(_ tag: UInt8, _ value: [UInt8]) {
        self.header(tag, count: value.count)
        self.bytes.append(contentsOf: value)
    }

    mutating func write(_ tag: UInt8, _ value: String) {
        var value = value
        value.withUTF8 { text in
            self.header(tag, count: text.count)
            self.bytes.append(contentsOf: text)
        }
    }

    mutating func write(_ tag: UInt8, _ value: UInt64) {
        self.header(tag, count: 8)
        for index in 0..<8 { self.bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }

    mutating func write(_ tag: UInt8, _ value: Int) { self.write(tag, UInt64(bitPattern: Int64(value))) }

    /// Microseconds, cut off to what 64 bits hold. A negative duration is none.
    mutating func write(_ tag: UInt8, _ value: Duration) {
        let (seconds, attoseconds) = value.components
        guard seconds >= 0, attoseconds >= 0 else { return self.write(tag, UInt64(0)) }
        let (whole, hasOverflowed) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        let micros = hasOverflowed ? UInt64(Int64.max) : min(whole, UInt64(Int64.max) - 1_000_000)
        self.write(tag, micros + UInt64(attoseconds / 1_000_000_000_000))
    }

    private mutating func header(_ tag: UInt8, count: Int) {
        self.bytes.append(tag)
        for index in 0..<4 { self.bytes.append(UInt8(truncatingIfNeeded: count >> (8 * index))) }
    }
}
