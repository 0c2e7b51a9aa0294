extension JSONObjectReader {
    /// A text that must be there.
    ///
    /// - Parameter length: Characters allowed, counted as Python counts them. Defaults to any.
    /// - Throws: ``JSONFieldFault``.
    public func string(_ key: String, length: ClosedRange<Int>? = nil) throws(JSONFieldFault) -> String {
        guard let range = self.find(key) else { throw self.fault(.missing, key) }
        return try self.string(at: range, length, self.path + [.key(key)])
    }

    /// A text, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func optionalString(_ key: String, length: ClosedRange<Int>? = nil) throws(JSONFieldFault) -> String? {
        guard let range = self.present(key) else { return nil }
        return try self.string(at: range, length, self.path + [.key(key)])
    }

    /// One of a few texts, or `nil` where it is absent or null.
    ///
    /// - Parameter code: `literal_error`, or `enum` with the same words. Defaults to the first.
    /// - Throws: ``JSONFieldFault``.
    public func optionalLiteral(
        _ key: String,
        of choices: [String],
        code: JSONFieldFault.Code = .literal
    ) throws(JSONFieldFault) -> String? {
        guard let range = self.present(key) else { return nil }
        if self.bytes[range.lowerBound] == 34, let text = self.text(range.dropQuotes), choices.contains(text) {
            return text
        }
        throw self.fault(code, key, Self.words(for: choices))
    }

    /// One of a few texts that must be there.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func literal(
        _ key: String,
        of choices: [String],
        code: JSONFieldFault.Code = .literal
    ) throws(JSONFieldFault) -> String {
        if let text = try self.optionalLiteral(key, of: choices, code: code) { return text }
        guard self.contains(key) else { throw self.fault(.missing, key) }
        // Null is none of them.
        throw self.fault(code, key, Self.words(for: choices))
    }

    /// Texts by name, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault`` with the path of the first value that is no text.
    public func optionalStringMap(_ key: String) throws(JSONFieldFault) -> [String: String]? {
        guard let range = self.present(key) else { return nil }
        guard self.bytes[range.lowerBound] == 123 else { throw self.fault(.dictType, key) }
        let object = JSONObjectReader(self.bytes, at: range, path: self.path + [.key(key)])
        var map: [String: String] = [:]
        for name in object.keys { map[name] = try object.string(name) }
        return map
    }

    /// Texts by name that must be there.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func stringMap(_ key: String) throws(JSONFieldFault) -> [String: String] {
        if let map = try self.optionalStringMap(key) { return map }
        throw self.fault(self.contains(key) ? .dictType : .missing, key)
    }

    /// Texts in order, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault`` with the path of the first element that is no text.
    public func optionalStrings(_ key: String) throws(JSONFieldFault) -> [String]? {
        guard let range = self.present(key) else { return nil }
        guard self.bytes[range.lowerBound] == 91 else { throw self.fault(.listType, key) }
        var texts: [String] = []
        for element in JSONElements.ranges(in: self.bytes, at: range) {
            texts.append(try self.string(at: element, nil, self.path + [.key(key), .index(texts.count)]))
        }
        return texts
    }

    private func string(
        at range: Range<Int>,
        _ length: ClosedRange<Int>?,
        _ path: [JSONPathElement]
    ) throws(JSONFieldFault) -> String {
        guard self.bytes[range.lowerBound] == 34 else { throw JSONFieldFault(.stringType, at: path) }
        guard let text = self.text(range.dropQuotes) else { throw JSONFieldFault(.stringUnicode, at: path) }
        guard let length else { return text }
        let count = text.unicodeScalars.count
        if count < length.lowerBound {
            let words = "String should have at least \(Self.characters(length.lowerBound))"
            throw JSONFieldFault(.stringTooShort, at: path, words)
        }
        if count > length.upperBound {
            let words = "String should have at most \(Self.characters(length.upperBound))"
            throw JSONFieldFault(.stringTooLong, at: path, words)
        }
        return text
    }

    private static func words(for choices: [String]) -> String {
        let quoted = choices.map { "'\($0)'" }
        let last = quoted.last ?? ""
        return "Input should be "
            + (quoted.count < 2 ? last : quoted.dropLast().joined(separator: ", ") + " or " + last)
    }

    private static func characters(_ count: Int) -> String { count == 1 ? "1 character" : "\(count) characters" }
}

extension Range<Int> {
    /// What is between the quotes of a string.
    var dropQuotes: Range<Int> { self.lowerBound + 1..<self.upperBound - 1 }
}
