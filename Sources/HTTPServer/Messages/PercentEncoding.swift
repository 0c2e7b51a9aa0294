/// Strict percent decoding (RFC 3986): an escape that is not one is refused, not repaired.
enum PercentEncoding {
    /// - Parameter plusIsBlank: As forms and queries have it.
    /// - Returns: `nil` for a bad escape.
    static func decode(_ text: some Collection<UInt8>, plusIsBlank: Bool = false) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(self.digit), let low = rest.next().flatMap(self.digit) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: decoded.append(UInt8(ascii: " "))
            default: decoded.append(byte)
            }
        }
        return decoded
    }

    /// - Returns: `nil` for a bad escape, and for what is not UTF-8.
    static func decodeText(_ text: some Collection<UInt8>, plusIsBlank: Bool = false) -> String? {
        self.decode(text, plusIsBlank: plusIsBlank).flatMap { String(validating: $0, as: UTF8.self) }
    }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
