/// What a `Range` header asks for, of something of a known length (RFC 9110, 14).
public enum HTTPByteRange: Sendable, Equatable {
    /// No range, or one that is to be ignored: malformed, of another unit, or several at once. Answer with 200.
    case whole
    /// Answer with 206 and these bytes.
    case part(Range<Int>)
    /// Answer with 416.
    case unsatisfiable

    /// - Parameter header: The header's value, `nil` without one.
    public init(header: String?, length: Int) {
        self = header.flatMap { Self.parse(Array($0.utf8), length: length) } ?? .whole
    }

    /// The value of `Content-Range`; `nil` for the whole.
    public func contentRange(length: Int) -> String? {
        switch self {
        case .whole: nil
        case .part(let range): "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)"
        case .unsatisfiable: "bytes */\(length)"
        }
    }

    private static func parse(_ header: [UInt8], length: Int) -> HTTPByteRange? {
        guard let equals = header.firstIndex(of: UInt8(ascii: "=")),
            String(decoding: header[..<equals], as: UTF8.self).lowercased() == "bytes"
        else { return nil }
        let specification = self.trimmed(header[(equals + 1)...])
        guard let dash = specification.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (first, last) = (specification[..<dash], specification[(dash + 1)...])
        if first.isEmpty {
            guard let count = self.number(last) else { return nil }
            return count == 0 || length == 0 ? .unsatisfiable : .part(max(0, length - count)..<length)
        }
        guard let start = self.number(first) else { return nil }
        guard !last.isEmpty else { return start < length ? .part(start..<length) : .unsatisfiable }
        guard let end = self.number(last), start <= end else { return nil }
        return start < length ? .part(start..<min(length - 1, end) + 1) : .unsatisfiable
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    /// A number of digits alone; one that no `Int` holds is as good as the largest.
    private static func number(_ text: ArraySlice<UInt8>) -> Int? {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(String(decoding: text, as: UTF8.self)) ?? Int.max
    }
}
