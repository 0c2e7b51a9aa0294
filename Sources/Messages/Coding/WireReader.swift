/// Reads fields in the Protocol Buffers wire format from bytes that nobody vouches for.
///
/// The caller loops over ``next()`` and takes the values of the fields it knows; those of the others are skipped, which is
/// what makes a newer writer readable.
public struct WireReader: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private var value: Value = .varint(0)

    private enum Value {
        case varint(UInt64)
        case range(Range<Int>)
        /// Fixed-width fields: skipped, we write none.
        case other
    }

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.position = 0
        self.end = bytes.count
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    /// The number of the next field, or `nil` at the end.
    public mutating func next() throws(MessageError) -> Int? {
        guard self.position < self.end else { return nil }
        let tag = try self.varint()
        switch tag & 7 {
        case 0: self.value = .varint(try self.varint())
        case 1: try self.skip(8)
        case 5: try self.skip(4)
        case 2:
            let length = try self.varint()
            guard length <= UInt64(self.end - self.position) else {
                throw MessageError(.truncated, "a field is cut off")
            }
            let start = self.position
            self.position += Int(length)
            self.value = .range(start..<self.position)
        default: throw MessageError(.malformed, "wire type \(tag & 7) is not used")
        }
        return Int(truncatingIfNeeded: tag >> 3)
    }

    public func int() throws(MessageError) -> Int {
        guard case .varint(let value) = self.value else { throw MessageError(.malformed, "a number is expected") }
        return Int(truncatingIfNeeded: value)
    }

    public func bool() throws(MessageError) -> Bool { try self.int() != 0 }

    public func string() throws(MessageError) -> String {
        let range = try self.range()
        return self.bytes.withUnsafeBufferPointer { String(decoding: $0[range], as: UTF8.self) }
    }

    public func data() throws(MessageError) -> [UInt8] {
        Array(self.bytes[try self.range()])
    }

    public func message<Message: WireMessage>(_ type: Message.Type = Message.self) throws(MessageError) -> Message {
        var reader = WireReader(self.bytes, try self.range())
        return try Message(from: &reader)
    }

    public func enumeration<Case: RawRepresentable<Int>>(_ type: Case.Type = Case.self) throws(MessageError) -> Case {
        let number = try self.int()
        guard let value = Case(rawValue: number) else {
            throw MessageError(.unknownKind, "\(Case.self) \(number) is not known")
        }
        return value
    }

    /// Adds one entry of a map field.
    public func entry(into map: inout [String: String]) throws(MessageError) {
        var reader = WireReader(self.bytes, try self.range())
        var (key, value) = ("", "")
        while let field = try reader.next() {
            switch field {
            case 1: key = try reader.string()
            case 2: value = try reader.string()
            default: break
            }
        }
        map[key] = value
    }

    private func range() throws(MessageError) -> Range<Int> {
        guard case .range(let range) = self.value else { throw MessageError(.malformed, "bytes are expected") }
        return range
    }

    private mutating func skip(_ count: Int) throws(MessageError) {
        guard self.end - self.position >= count else { throw MessageError(.truncated, "a field is cut off") }
        self.position += count
        self.value = .other
    }

    private mutating func varint() throws(MessageError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while self.position < self.end, shift < 64 {
            let byte = self.bytes[self.position]
            self.position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
        throw MessageError(.truncated, "a number is cut off")
    }
}

extension WireReader {
    public func timestamp() throws(MessageError) -> Timestamp {
        Timestamp(microseconds: Int64(try self.int()))
    }
}
