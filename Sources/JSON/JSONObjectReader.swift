/// The members of one JSON object, found in one pass that checks all of the bytes and decodes none.
///
/// A member is decoded when asked for, by the rules of pydantic's lax mode: `"5"` is an integer, `1.0` too. What is not
/// asked for costs nothing, and ``raw(_:)`` lends a value as the bytes that came in. Of two members with the same name the
/// last counts. The bytes are shared, not copied.
public struct JSONObjectReader: Sendable {
    struct Member: Sendable {
        /// Between the quotes.
        var name: Range<Int>
        var value: Range<Int>
    }

    /// All that was read, this object and what is around it.
    public let bytes: [UInt8]
    /// Where this object is, for the faults of its fields.
    public let path: [JSONPathElement]
    private let members: [Member]

    /// Reads a body that must be an object.
    ///
    /// - Parameters:
    ///   - path: What faults are reported under. Defaults to `body`.
    ///   - maxDepth: Objects and arrays inside of one another, at most 64. Defaults to 64.
    /// - Throws: ``JSONFault``; its `fieldFault` is what a validation answer says.
    public init(
        _ bytes: [UInt8],
        path: [JSONPathElement] = ["body"],
        maxDepth: Int = JSONScanner.depthLimit
    ) throws(JSONFault) {
        var members: [Member] = []
        let fault = bytes.withUnsafeBufferPointer { text -> JSONFault? in
            var scanner = JSONScanner(text)
            scanner.skipSpace()
            guard scanner.index < text.count else { return JSONFault(.empty, offset: 0) }
            guard scanner.next == 123 else {
                return JSONScanner.validate(text, maxDepth: maxDepth) ?? JSONFault(.notAnObject, offset: scanner.index)
            }
            return scanner.index(&members, maxDepth: maxDepth) && scanner.isAtEnd() ? nil : scanner.faultOfWhole
        }
        if let fault { throw fault }
        (self.bytes, self.path, self.members) = (bytes, path, members)
    }

    /// An object inside of bytes that were checked.
    init(_ bytes: [UInt8], at range: Range<Int>, path: [JSONPathElement]) {
        var members: [Member] = []
        bytes.withUnsafeBufferPointer { text in
            var scanner = JSONScanner(UnsafeBufferPointer(rebasing: text[range]))
            let isValid = scanner.index(&members, maxDepth: JSONScanner.depthLimit)
            precondition(isValid, "the bytes were checked before")
        }
        (self.bytes, self.path) = (bytes, path)
        self.members = members.map { $0.moved(by: range.lowerBound) }
    }

    /// Reads a body that must be an array of objects.
    ///
    /// - Throws: ``JSONFault``, with `notAnObject` if an element is none.
    public static func array(_ bytes: [UInt8], path: [JSONPathElement] = ["body"]) throws(JSONFault) -> [Self] {
        if let fault = JSONScanner.validate(bytes) { throw fault }
        guard let start = bytes.firstIndex(where: { $0 > 32 }), bytes[start] == 91 else {
            throw JSONFault(.notAnArray, offset: 0)
        }
        var readers: [Self] = []
        for (index, range) in JSONElements.ranges(in: bytes, at: start..<bytes.count).enumerated() {
            guard bytes[range.lowerBound] == 123 else { throw JSONFault(.notAnObject, offset: range.lowerBound) }
            readers.append(Self(bytes, at: range, path: path + [.index(index)]))
        }
        return readers
    }

    /// The members' names in order, each once.
    public var keys: [String] {
        var seen: Set<String> = []
        return self.members.compactMap { self.text($0.name) }.filter { seen.insert($0).inserted }
    }

    /// Whether there is such a member, be it null.
    public func contains(_ key: String) -> Bool { self.find(key) != nil }

    /// What the member is; `nil` if there is none.
    public func kind(_ key: String) -> JSONKind? {
        self.find(key).map { JSONKind(first: self.bytes[$0.lowerBound]) }
    }

    /// Where the member's value is in ``bytes``; `nil` if there is none. A value `null` has a place.
    public func raw(_ key: String) -> Range<Int>? { self.find(key) }

    /// The member's value as it came in; `nil` if there is none.
    public func rawBytes(_ key: String) -> ArraySlice<UInt8>? { self.find(key).map { self.bytes[$0] } }

    /// A fault of one of this object's fields.
    public func fault(_ code: JSONFieldFault.Code, _ key: String, _ message: String? = nil) -> JSONFieldFault {
        JSONFieldFault(code, at: self.path + [.key(key)], message)
    }

    /// The member's value unless it is absent or null.
    func present(_ key: String) -> Range<Int>? {
        guard let range = self.find(key), self.bytes[range.lowerBound] != 110 else { return nil }
        return range
    }

    /// The text of a validated string, by the range between its quotes.
    func text(_ range: Range<Int>) -> String? {
        self.bytes.withUnsafeBufferPointer { bytes in
            let text = UnsafeBufferPointer(rebasing: bytes[range])
            return text.contains(92) ? JSONText.unescape(text) : String(decoding: text, as: UTF8.self)
        }
    }

    /// From the end, as the last of two counts.
    func find(_ key: String) -> Range<Int>? {
        var key = key
        return key.withUTF8 { wanted in
            self.bytes.withUnsafeBufferPointer { text in
                self.members.last { member in
                    let name = text[member.name]
                    if name.contains(92) {
                        return self.text(member.name).map { $0.utf8.elementsEqual(wanted) } ?? false
                    }
                    return name.elementsEqual(wanted)
                }?.value
            }
        }
    }
}

extension JSONObjectReader.Member {
    fileprivate func moved(by offset: Int) -> Self {
        Self(
            name: self.name.lowerBound + offset..<self.name.upperBound + offset,
            value: self.value.lowerBound + offset..<self.value.upperBound + offset
        )
    }
}

extension JSONScanner {
    /// Moves behind the object that starts here, and notes its members.
    mutating func index(_ members: inout [JSONObjectReader.Member], maxDepth: Int) -> Bool {
        guard maxDepth > 0 else { return self.fail(.depth) }
        guard self.take(123) else { return self.fail() }
        self.skipSpace()
        if self.take(125) { return true }
        while true {
            let start = self.index + 1
            guard self.next == 34 else { return self.fail() }
            guard self.skipString() else { return false }
            let name = start..<self.index - 1
            self.skipSpace()
            guard self.take(58) else { return self.fail() }
            self.skipSpace()
            let valueStart = self.index
            guard self.skipValue(maxDepth: maxDepth - 1) else { return false }
            members.append(JSONObjectReader.Member(name: name, value: valueStart..<self.index))
            self.skipSpace()
            if self.take(125) { return true }
            guard self.take(44) else { return self.fail() }
            self.skipSpace()
        }
    }
}

/// The elements of an array inside of bytes that were checked.
enum JSONElements {
    static func ranges(in bytes: [UInt8], at range: Range<Int>) -> [Range<Int>] {
        bytes.withUnsafeBufferPointer { text in
            var scanner = JSONScanner(UnsafeBufferPointer(rebasing: text[range]))
            var ranges: [Range<Int>] = []
            _ = scanner.take(91)
            scanner.skipSpace()
            while scanner.next != 93 {
                let start = scanner.index
                let isValid = scanner.skipValue(maxDepth: JSONScanner.depthLimit)
                precondition(isValid, "the bytes were checked before")
                ranges.append(range.lowerBound + start..<range.lowerBound + scanner.index)
                scanner.skipSpace()
                if scanner.take(44) { scanner.skipSpace() }
            }
            return ranges
        }
    }
}
