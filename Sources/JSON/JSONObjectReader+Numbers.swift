extension JSONObjectReader {
    /// A whole number that must be there: also `1.0`, `"5"` and `true`, as in pydantic's lax mode.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func int(_ key: String, in range: ClosedRange<Int>? = nil) throws(JSONFieldFault) -> Int {
        guard let place = self.find(key) else { throw self.fault(.missing, key) }
        return try self.int(at: place, range, key)
    }

    /// A whole number, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func optionalInt(_ key: String, in range: ClosedRange<Int>? = nil) throws(JSONFieldFault) -> Int? {
        guard let place = self.present(key) else { return nil }
        return try self.int(at: place, range, key)
    }

    /// A number that must be there: also `"5.5"` and `true`, as in pydantic's lax mode. Never infinite.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func double(_ key: String, in range: ClosedRange<Double>? = nil) throws(JSONFieldFault) -> Double {
        guard let place = self.find(key) else { throw self.fault(.missing, key) }
        return try self.double(at: place, range, key)
    }

    /// A number, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func optionalDouble(_ key: String, in range: ClosedRange<Double>? = nil) throws(JSONFieldFault) -> Double? {
        guard let place = self.present(key) else { return nil }
        return try self.double(at: place, range, key)
    }

    /// True or false that must be there: also `1`, `"yes"`, `"off"`, as in pydantic's lax mode.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func bool(_ key: String) throws(JSONFieldFault) -> Bool {
        guard let place = self.find(key) else { throw self.fault(.missing, key) }
        return try self.bool(at: place, key)
    }

    /// True or false, or `nil` where it is absent or null.
    ///
    /// - Throws: ``JSONFieldFault``.
    public func optionalBool(_ key: String) throws(JSONFieldFault) -> Bool? {
        guard let place = self.present(key) else { return nil }
        return try self.bool(at: place, key)
    }

    private func int(at place: Range<Int>, _ range: ClosedRange<Int>?, _ key: String) throws(JSONFieldFault) -> Int {
        let number: LaxNumber.Whole
        switch JSONKind(first: self.bytes[place.lowerBound]) {
        case .bool: number = .int(self.bytes[place.lowerBound] == 116 ? 1 : 0)
        case .number: number = LaxNumber.whole(ofNumber: String(decoding: self.bytes[place], as: UTF8.self))
        case .string: number = LaxNumber.whole(ofText: self.text(place.dropQuotes) ?? "")
        default: throw self.fault(.intType, key)
        }
        switch number {
        case .int(let value):
            if let range { try self.check(value, in: range, key) }
            return value
        case .wrong(let code): throw self.fault(code, key)
        case .tooLarge(let isNegative):
            // Beyond every bound: the bound is what the client needs to know.
            guard let range else { throw self.fault(.intParsingSize, key) }
            throw self.outOfRange(below: isNegative, range, key)
        }
    }

    private func double(
        at place: Range<Int>,
        _ range: ClosedRange<Double>?,
        _ key: String
    ) throws(JSONFieldFault) -> Double {
        let value: Double?
        switch JSONKind(first: self.bytes[place.lowerBound]) {
        case .bool: value = self.bytes[place.lowerBound] == 116 ? 1 : 0
        case .number: value = Double(String(decoding: self.bytes[place], as: UTF8.self))
        case .string: value = LaxNumber.double(ofText: self.text(place.dropQuotes) ?? "")
        default: throw self.fault(.floatType, key)
        }
        guard let value else { throw self.fault(.floatParsing, key) }
        if let range { try self.check(value, in: range, key) }
        guard value.isFinite else { throw self.fault(.finiteNumber, key) }
        return value
    }

    private func bool(at place: Range<Int>, _ key: String) throws(JSONFieldFault) -> Bool {
        switch JSONKind(first: self.bytes[place.lowerBound]) {
        case .bool: return self.bytes[place.lowerBound] == 116
        case .number:
            switch LaxNumber.whole(ofNumber: String(decoding: self.bytes[place], as: UTF8.self)) {
            case .int(0): return false
            case .int(1): return true
            case .int: throw self.fault(.boolParsing, key)
            default: throw self.fault(.boolType, key)
            }
        case .string:
            switch self.text(place.dropQuotes)?.lowercased() {
            case "0", "off", "f", "false", "n", "no": return false
            case "1", "on", "t", "true", "y", "yes": return true
            default: throw self.fault(.boolParsing, key)
            }
        default: throw self.fault(.boolType, key)
        }
    }

    private func check<Number: Comparable>(
        _ value: Number,
        in range: ClosedRange<Number>,
        _ key: String
    ) throws(JSONFieldFault) {
        guard range.contains(value) else { throw self.outOfRange(below: value < range.lowerBound, range, key) }
    }

    private func outOfRange<Number: Comparable>(
        below: Bool,
        _ range: ClosedRange<Number>,
        _ key: String
    ) -> JSONFieldFault {
        below
            ? self.fault(
                .greaterThanEqual,
                key,
                "Input should be greater than or equal to \(LaxNumber.shown(range.lowerBound))"
            )
            : self.fault(
                .lessThanEqual,
                key,
                "Input should be less than or equal to \(LaxNumber.shown(range.upperBound))"
            )
    }
}
