extension JSONObjectReader {
    /// An object, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func optionalObject(_ key: String) throws(JSONFieldFault) -> JSONObjectReader? {
        guard let range = self.present(key) else { return nil }
        guard self.bytes[range.lowerBound] == 123 else { throw self.fault(.dictType, key) }
        return JSONObjectReader(self.bytes, at: range, path: self.path + [.key(key)])
    }

    /// An object that must be there.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func object(_ key: String) throws(JSONFieldFault) -> JSONObjectReader {
        if let object = try self.optionalObject(key) { return object }
        throw self.fault(self.contains(key) ? .dictType : .missing, key)
    }

    /// Objects in order, or `nil` where it is absent or null.
    ///
    /// - Parameter count: Elements allowed. Defaults to any.
    /// - Throws: ``JSONFieldFault`` with the path of the first element that is no object.
    public func optionalObjects(
        _ key: String,
        count: ClosedRange<Int>? = nil
    ) throws(JSONFieldFault) -> [JSONObjectReader]? {
        guard let range = self.present(key) else { return nil }
        guard self.bytes[range.lowerBound] == 91 else { throw self.fault(.listType, key) }
        let ranges = JSONElements.ranges(in: self.bytes, at: range)
        if let count, ranges.count < count.lowerBound {
            let words =
                "List should have at least \(Self.items(count.lowerBound)) after validation, not \(ranges.count)"
            throw self.fault(.tooShort, key, words)
        }
        if let count, ranges.count > count.upperBound {
            let words = "List should have at most \(Self.items(count.upperBound)) after validation, not \(ranges.count)"
            throw self.fault(.tooLong, key, words)
        }
        var objects: [JSONObjectReader] = []
        for range in ranges {
            let path = self.path + [.key(key), .index(objects.count)]
            guard self.bytes[range.lowerBound] == 123 else { throw JSONFieldFault(.modelType, at: path) }
            objects.append(JSONObjectReader(self.bytes, at: range, path: path))
        }
        return objects
    }

    /// Objects in order that must be there.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func objects(_ key: String, count: ClosedRange<Int>? = nil) throws(JSONFieldFault) -> [JSONObjectReader] {
        if let objects = try self.optionalObjects(key, count: count) { return objects }
        throw self.fault(self.contains(key) ? .listType : .missing, key)
    }

    private static func items(_ count: Int) -> String { count == 1 ? "1 item" : "\(count) items" }
}
