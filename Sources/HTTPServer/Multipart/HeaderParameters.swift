/// A header value with parameters: `form-data; name="a"; filename="b"`.
struct HeaderParameters: Sendable, Equatable {
    /// What stands before the first `;`, in lower case.
    var value: String
    /// By name in lower case; quotes and quoted pairs are undone.
    var parameters: [String: String] = [:]

    /// - Returns: `nil` if it is malformed, not UTF-8, or gives a parameter twice.
    init?(_ bytes: some Collection<UInt8>) {
        var rest = Cursor(Array(bytes))
        rest.skipBlanks()
        guard let value = Self.text(rest.take { $0 != UInt8(ascii: ";") && !Cursor.isBlank($0) }), !value.isEmpty else {
            return nil
        }
        self.value = value.lowercased()
        rest.skipBlanks()
        while !rest.isAtEnd {
            guard rest.skip(UInt8(ascii: ";")) else { return nil }
            rest.skipBlanks()
            // A semicolon at the end is harmless.
            if rest.isAtEnd { break }
            guard let name = Self.text(rest.take(while: Self.isToken))?.lowercased(), !name.isEmpty else { return nil }
            rest.skipBlanks()
            guard rest.skip(UInt8(ascii: "=")) else { return nil }
            rest.skipBlanks()
            guard let raw = rest.peek() == UInt8(ascii: "\"") ? rest.takeQuoted() : rest.takeToken(),
                let value = Self.text(raw), self.parameters.updateValue(value, forKey: name) == nil
            else { return nil }
            rest.skipBlanks()
        }
    }

    /// The parameter, or its extended form (RFC 8187: `name*=UTF-8''…`), which wins.
    ///
    /// - Returns: `.some(nil)` if it is not given, `nil` if the extended form is malformed.
    func extended(_ name: String) -> String?? {
        guard let raw = self.parameters["\(name)*"] else { return .some(self.parameters[name]) }
        let parts = raw.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        switch parts[0].lowercased() {
        case "utf-8": return PercentEncoding.decodeText(Array(parts[2].utf8)).map { .some($0) }
        case "iso-8859-1":
            return PercentEncoding.decode(Array(parts[2].utf8)).map { bytes in
                .some(String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })))
            }
        default: return nil
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }
    private static func text(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

    /// RFC 9110 token characters.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private struct Cursor {
        private let bytes: [UInt8]
        private var at = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

        var isAtEnd: Bool { self.at == self.bytes.count }

        func peek() -> UInt8? { self.isAtEnd ? nil : self.bytes[self.at] }

        mutating func take(while isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
            let start = self.at
            while let byte = self.peek(), isWanted(byte) { self.at += 1 }
            return self.bytes[start..<self.at]
        }

        mutating func skipBlanks() { _ = self.take(while: Self.isBlank) }

        mutating func skip(_ byte: UInt8) -> Bool {
            guard self.peek() == byte else { return false }
            self.at += 1
            return true
        }

        /// Wider than a token, as clients are: all up to a blank or a semicolon.
        mutating func takeToken() -> [UInt8]? {
            let token = self.take { !Self.isBlank($0) && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\"") }
            return token.isEmpty ? nil : Array(token)
        }

        /// Undoes `\"` and `\\`. Any other backslash stands for itself: some clients send paths of Windows.
        mutating func takeQuoted() -> [UInt8]? {
            self.at += 1
            var text: [UInt8] = []
            while let byte = self.peek() {
                self.at += 1
                switch byte {
                case UInt8(ascii: "\""): return text
                case UInt8(ascii: "\\"):
                    if let next = self.peek(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") {
                        self.at += 1
                        text.append(next)
                    } else {
                        text.append(byte)
                    }
                default: text.append(byte)
                }
            }
            return nil
        }
    }
}
