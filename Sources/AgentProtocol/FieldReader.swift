/// Walks over the fields of a payload; knows every bound.
struct FieldReader {
    /// One field. Its bytes are a slice of the payload and are copied only by those who keep them.
    struct Field {
        let tag: UInt8
        let bytes: ArraySlice<UInt8>

        var array: [UInt8] { Array(self.bytes) }
        /// Bytes that are not UTF-8 become U+FFFD.
        var string: String { String(decoding: self.bytes, as: UTF8.self) }

        func unsigned() throws(ProtocolError) -> UInt64 {
            guard self.bytes.count == 8 else {
                throw ProtocolError(.malformed, "field \(self.tag) is a number of \(self.bytes.count) bytes, not 8")
            }
            var value: UInt64 = 0
            for byte in self.bytes.reversed() { value = value << 8 | UInt64(byte) }
            return value
        }

        func signed() throws(ProtocolError) -> Int { Int(truncatingIfNeeded: try self.unsigned()) }

        /// A count of bytes or of things: never negative.
        func count() throws(ProtocolError) -> Int { Int(clamping: try self.unsigned()) }

        func duration() throws(ProtocolError) -> Duration {
            // More than 292,000 years are cut off, so that arithmetic on the value cannot overflow.
            .microseconds(Int64(clamping: min(try self.unsigned(), UInt64(Int64.max))))
        }
    }

    private let payload: [UInt8]
    private var position = 0

    init(_ payload: [UInt8]) { self.payload = payload }

    /// The next field, or `nil` at the end.
    mutating func next() throws(ProtocolError) -> Field? {
        let left = self.payload.count - self.position
        if left == 0 { return nil }
        guard left >= 5 else { throw ProtocolError(.malformed, "a field header is cut off") }
        let tag = self.payload[self.position]
        var length = 0
        for index in 0..<4 { length |= Int(self.payload[self.position + 1 + index]) << (8 * index) }
        guard length <= left - 5 else { throw ProtocolError(.malformed, "field \(tag) is cut off") }
        let first = self.position + 5
        self.position = first + length
        return Field(tag: tag, bytes: self.payload[first..<(first + length)])
    }
}
