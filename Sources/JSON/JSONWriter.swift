/// Appends JSON to an array of bytes; sets commas by itself.
///
/// The caller balances begin and end, and writes a key before each member's value.
public struct JSONWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: Bytes to make room for. Defaults to 512.
    public init(reserving capacity: Int = 512) { self.bytes.reserveCapacity(capacity) }

    public mutating func beginObject() { self.open(UInt8(ascii: "{")) }
    public mutating func endObject() { self.bytes.append(UInt8(ascii: "}")) }
    public mutating func beginArray() { self.open(UInt8(ascii: "[")) }
    public mutating func endArray() { self.bytes.append(UInt8(ascii: "]")) }

    /// Ends a document of a stream of lines.
    public mutating func newline() { self.bytes.append(10) }

    /// A member's name that needs no escapes: the fast way.
    @inline(__always)
    public mutating func key(_ key: StaticString) {
        self.separate()
        self.bytes.append(34)
        self.bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        self.bytes.append(34)
        self.bytes.append(58)
    }

    /// A member's name from data.
    public mutating func key(_ key: String) {
        self.string(key)
        self.bytes.append(58)
    }

    public mutating func string(_ value: String) {
        self.separate()
        var value = value
        value.withUTF8 { JSONText.appendQuoted($0, isValid: true, to: &self.bytes) }
    }

    /// Text that is claimed to be UTF-8; what is not becomes U+FFFD.
    public mutating func string(bytes value: UnsafeBufferPointer<UInt8>) {
        self.separate()
        JSONText.appendQuoted(value, isValid: false, to: &self.bytes)
    }

    /// Text that is claimed to be UTF-8; what is not becomes U+FFFD.
    public mutating func string(bytes value: [UInt8]) { value.withUnsafeBufferPointer { self.string(bytes: $0) } }

    /// Text that is claimed to be UTF-8; what is not becomes U+FFFD.
    public mutating func string(bytes value: ArraySlice<UInt8>) {
        value.withUnsafeBufferPointer { self.string(bytes: $0) }
    }

    public mutating func int(_ value: some BinaryInteger) {
        self.separate()
        JSONText.append(Int64(clamping: value), to: &self.bytes)
    }

    /// The shortest text that reads back as the same number; `null` for what JSON cannot say.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return self.null() }
        self.separate()
        var text = value.description
        text.withUTF8 { self.bytes.append(contentsOf: $0) }
    }

    public mutating func bool(_ value: Bool) { self.literal(value ? "true" : "false") }

    public mutating func null() { self.literal("null") }

    /// A value that is JSON already, untouched but for white space after it.
    public mutating func raw(_ value: some Collection<UInt8>) {
        self.separate()
        self.bytes.append(contentsOf: value)
        // A line break at the end would hide the value from the next comma.
        while let last = self.bytes.last, last == 32 || (9...13).contains(last) { self.bytes.removeLast() }
    }

    private mutating func open(_ bracket: UInt8) {
        self.separate()
        self.bytes.append(bracket)
    }

    private mutating func literal(_ text: StaticString) {
        self.separate()
        self.bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A value follows another unless something was just opened: the last byte tells, as no value ends with one of these.
    @inline(__always)
    private mutating func separate() {
        guard let last = self.bytes.last else { return }
        if last != 123, last != 91, last != 58, last != 10 { self.bytes.append(44) }
    }
}
