/// Numbers as pydantic's lax mode reads them.
public enum LaxNumber {
    /// What a whole number turned out to be.
    public enum Whole: Sendable, Equatable {
        case int(Int)
        /// A whole number that no `Int` holds.
        case tooLarge(isNegative: Bool)
        case wrong(JSONFieldFault.Code)
    }

    /// A whole number from a text, such as a query parameter: `5`, ` +5 `, `1_000`, `5.0`.
    public static func whole(ofText text: String) -> Whole {
        var digits = self.trimmed(text)[...]
        if let point = digits.firstIndex(of: UInt8(ascii: ".")) {
            let zeros = digits[digits.index(after: point)...]
            guard point > digits.startIndex, !zeros.isEmpty, zeros.allSatisfy({ $0 == 48 }) else {
                return .wrong(.intParsing)
            }
            digits = digits[..<point]
        }
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard let plain = self.withoutUnderscores(digits) else { return .wrong(.intParsing) }
        guard let value = Int((isNegative ? "-" : "") + plain) else { return .tooLarge(isNegative: isNegative) }
        return .int(value)
    }

    /// A number from a text, such as a query parameter: `5`, ` 5.5 `, `1e3`, `1_000`. May be infinite, or NaN.
    public static func double(ofText text: String) -> Double? {
        var plain: [UInt8] = []
        for byte in self.trimmed(text) {
            // Swift reads hexadecimal too, and takes a payload for NaN: neither is in Python.
            if byte | 32 == UInt8(ascii: "x") || byte == UInt8(ascii: "(") { return nil }
            if byte != UInt8(ascii: "_") { plain.append(byte) }
        }
        return Double(String(decoding: plain, as: UTF8.self))
    }

    /// A whole number from a validated JSON number.
    static func whole(ofNumber text: String) -> Whole {
        if let value = Int(text) { return .int(value) }
        if text.utf8.allSatisfy({ $0 != 46 && $0 | 32 != 101 }) { return .tooLarge(isNegative: text.hasPrefix("-")) }
        guard let value = Double(text), value.isFinite else { return .wrong(.finiteNumber) }
        guard value == value.rounded(.towardZero) else { return .wrong(.intFromFloat) }
        guard let whole = Int(exactly: value) else { return .wrong(.intParsingSize) }
        return .int(whole)
    }

    /// As pydantic prints a bound: whole numbers without a fraction.
    static func shown(_ bound: some Comparable) -> String {
        guard let number = bound as? Double, number == number.rounded(), number.magnitude < 1e15 else {
            return "\(bound)"
        }
        return "\(Int(number))"
    }

    private static func trimmed(_ text: String) -> [UInt8] {
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        let tail = text.unicodeScalars.drop(while: isSpace)
        guard let last = tail.lastIndex(where: { !isSpace($0) }) else { return [] }
        return Array(String(tail[...last]).utf8)
    }

    /// Digits with single underscores between them.
    private static func withoutUnderscores(_ digits: ArraySlice<UInt8>) -> String? {
        var plain: [UInt8] = []
        var isAfterDigit = false
        for byte in digits {
            if (48...57).contains(byte) {
                plain.append(byte)
                isAfterDigit = true
            } else if byte == UInt8(ascii: "_"), isAfterDigit {
                isAfterDigit = false
            } else {
                return nil
            }
        }
        return isAfterDigit ? String(decoding: plain, as: UTF8.self) : nil
    }
}
