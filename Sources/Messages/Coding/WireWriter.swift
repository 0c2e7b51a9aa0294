/// Appends fields in the Protocol Buffers wire format.
///
/// Only varint and length-delimited fields are used. Zero, empty and `nil` are left out, as proto3 does, so a field costs
/// nothing until it says something.
public struct WireWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 512) {
        self.bytes.reserveCapacity(capacity)
    }

    public mutating func int(_ field: Int, _ value: Int) {
        if value != 0 { self.optionalInt(field, value) }
    }

    /// Writes zero too, so that a reader can tell it from absence.
    public mutating func optionalInt(_ field: Int, _ value: Int?) {
        guard let value else { return }
        self.varint(UInt64(field) << 3)
        self.varint(UInt64(bitPattern: Int64(value)))
    }

    public mutating func bool(_ field: Int, _ value: Bool) {
        if value { self.int(field, 1) }
    }

    public mutating func string(_ field: Int, _ value: String) {
        if !value.isEmpty { self.optionalString(field, value) }
    }

    public mutating func optionalString(_ field: Int, _ value: String?) {
        guard var value else { return }
        self.varint(UInt64(field) << 3 | 2)
        value.withUTF8 { utf8 in
            self.varint(UInt64(utf8.count))
            self.bytes.append(contentsOf: utf8)
        }
    }

    public mutating func data(_ field: Int, _ value: [UInt8]) {
        if !value.isEmpty { self.optionalData(field, value) }
    }

    public mutating func optionalData(_ field: Int, _ value: [UInt8]?) {
        guard let value else { return }
        self.varint(UInt64(field) << 3 | 2)
        self.varint(UInt64(value.count))
        self.bytes.append(contentsOf: value)
    }

    public mutating func message(_ field: Int, _ value: some WireMessage) {
        self.nested(field) { value.encode(to: &$0) }
    }

    public mutating func optionalMessage(_ field: Int, _ value: (some WireMessage)?) {
        if let value { self.message(field, value) }
    }

    public mutating func messages(_ field: Int, _ values: [some WireMessage]) {
        for value in values { self.message(field, value) }
    }

    /// A map is a repeated message of key (1) and value (2), as in Protocol Buffers; sorted, so that equal maps have equal bytes.
    public mutating func map(_ field: Int, _ values: [String: String]) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            self.nested(field) { writer in
                writer.string(1, key)
                writer.string(2, value)
            }
        }
    }

    private mutating func nested(_ field: Int, _ body: (inout WireWriter) -> Void) {
        self.varint(UInt64(field) << 3 | 2)
        // The length is known only afterwards: four bytes are kept for it, a varint padded with continuation bits.
        let start = self.bytes.count
        self.bytes.append(contentsOf: [0, 0, 0, 0])
        body(&self)
        let length = self.bytes.count - start - 4
        precondition(length < 1 << 28, "a nested message is limited to 256 MiB")
        self.bytes[start] = UInt8(length & 0x7F) | 0x80
        self.bytes[start + 1] = UInt8(length >> 7 & 0x7F) | 0x80
        self.bytes[start + 2] = UInt8(length >> 14 & 0x7F) | 0x80
        self.bytes[start + 3] = UInt8(length >> 21 & 0x7F)
    }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        self.bytes.append(UInt8(truncatingIfNeeded: value))
    }
}

extension WireWriter {
    public mutating func timestamp(_ field: Int, _ value: Timestamp?) {
        self.optionalInt(field, value.map { Int($0.microseconds) })
    }
}
