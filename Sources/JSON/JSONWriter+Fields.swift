/// A name and its value in one call; `nil` is written as `null`.
extension JSONWriter {
    @inline(__always)
    public mutating func field(_ key: StaticString, _ value: String) {
        self.key(key)
        self.string(value)
    }

    public mutating func field(_ key: StaticString, _ value: String?) {
        self.key(key)
        if let value { self.string(value) } else { self.null() }
    }

    public mutating func field(_ key: StaticString, _ value: some BinaryInteger) {
        self.key(key)
        self.int(value)
    }

    public mutating func field(_ key: StaticString, _ value: (some BinaryInteger)?) {
        self.key(key)
        if let value { self.int(value) } else { self.null() }
    }

    public mutating func field(_ key: StaticString, _ value: Double) {
        self.key(key)
        self.double(value)
    }

    public mutating func field(_ key: StaticString, _ value: Double?) {
        self.key(key)
        if let value { self.double(value) } else { self.null() }
    }

    public mutating func field(_ key: StaticString, _ value: Bool) {
        self.key(key)
        self.bool(value)
    }

    public mutating func field(_ key: StaticString, _ value: Bool?) {
        self.key(key)
        if let value { self.bool(value) } else { self.null() }
    }

    /// Names from data, in order of the keys, so that the same map is always the same text.
    public mutating func field(_ key: StaticString, _ value: [String: String]) {
        self.key(key)
        self.beginObject()
        for (name, text) in value.sorted(by: { $0.key < $1.key }) {
            self.key(name)
            self.string(text)
        }
        self.endObject()
    }

    public mutating func field(_ key: StaticString, _ value: [String]) {
        self.key(key)
        self.beginArray()
        for text in value { self.string(text) }
        self.endArray()
    }

    /// A value that is JSON already.
    public mutating func field(_ key: StaticString, raw value: some Collection<UInt8>) {
        self.key(key)
        self.raw(value)
    }

    /// A value that is JSON already, or `null`.
    public mutating func field(_ key: StaticString, raw value: (some Collection<UInt8>)?) {
        self.key(key)
        if let value { self.raw(value) } else { self.null() }
    }

    /// Text that is claimed to be UTF-8; what is not becomes U+FFFD.
    public mutating func field(_ key: StaticString, bytes value: [UInt8]) {
        self.key(key)
        self.string(bytes: value)
    }

    /// An object with what `body` writes into it.
    public mutating func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.beginObject()
        try body(&self)
        self.endObject()
    }

    /// A member that is an object.
    public mutating func object<Failure: Error>(
        _ key: StaticString,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.key(key)
        try self.object(body)
    }

    /// A member that is an array of what `body` writes for each element.
    public mutating func array<Element, Failure: Error>(
        _ key: StaticString,
        _ elements: some Sequence<Element>,
        _ body: (inout JSONWriter, Element) throws(Failure) -> Void
    ) throws(Failure) {
        self.key(key)
        self.beginArray()
        for element in elements { try body(&self, element) }
        self.endArray()
    }
}
