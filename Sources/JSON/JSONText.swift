/// Text between its bytes and its form inside of JSON.
enum JSONText {
    private static let hex: StaticString = "0123456789abcdef"
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Whether none of eight bytes is a control character, a quote, a backslash or above 127.
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        let quote = word ^ (ones &* 34)
        let slash = word ^ (ones &* 92)
        // The classic test for a byte below n, three times; bytes above 127 set the high bit by themselves.
        let found = (word &- ones &* 32) | (quote &- ones) | (slash &- ones) | word
        return found & highs == 0
    }

    /// - Parameter isValid: Whether the bytes are known to be UTF-8; else what is not is replaced by U+FFFD.
    static func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, isValid: Bool, to bytes: inout [UInt8]) {
        bytes.append(34)
        let raw = UnsafeRawBufferPointer(text)
        let count = text.count
        var (index, start) = (0, 0)
        while index < count {
            if index + 8 <= count, isPlain(raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
                index += 8
                continue
            }
            let byte = text[index]
            if byte >= 32, byte < 128, byte != 34, byte != 92 {
                index += 1
            } else if byte >= 128 {
                if isValid {
                    index += 1
                    continue
                }
                let length = UTF8Sequence.length(text, at: index)
                if length > 0 {
                    index += length
                    continue
                }
                bytes.append(contentsOf: text[start..<index])
                bytes.append(contentsOf: UTF8.encodedReplacementCharacter)
                index -= length
                start = index
            } else {
                bytes.append(contentsOf: text[start..<index])
                self.appendEscape(byte, to: &bytes)
                index += 1
                start = index
            }
        }
        bytes.append(contentsOf: text[start..<count])
        bytes.append(34)
    }

    @inline(__always)
    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(92)
        switch byte {
        case 34, 92: bytes.append(byte)
        case 10: bytes.append(110)
        case 13: bytes.append(114)
        case 9: bytes.append(116)
        case 8: bytes.append(98)
        case 12: bytes.append(102)
        default:
            bytes.append(117)
            bytes.append(48)
            bytes.append(48)
            bytes.append(self.hex.utf8Start[Int(byte >> 4)])
            bytes.append(self.hex.utf8Start[Int(byte & 15)])
        }
    }

    static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(45) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(48 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// The text of a validated string body, its escapes resolved; `nil` if an escape names half a surrogate pair.
    static func unescape(_ text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            guard byte == 92 else {
                bytes.append(byte)
                index += 1
                continue
            }
            let kind = text[index + 1]
            index += 2
            switch kind {
            case 98: bytes.append(8)
            case 102: bytes.append(12)
            case 110: bytes.append(10)
            case 114: bytes.append(13)
            case 116: bytes.append(9)
            case 117:
                guard let scalar = self.scalar(text, &index) else { return nil }
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default: bytes.append(kind)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `index` is at the digits of `\uXXXX`, and moves behind them, or behind the pair.
    private static func scalar(_ text: ArraySlice<UInt8>, _ index: inout Int) -> Unicode.Scalar? {
        func unit(_ start: Int) -> UInt32 {
            text[start..<start + 4].reduce(0) { sum, byte in
                sum << 4 | UInt32(byte < 58 ? byte - 48 : (byte | 32) - 87)
            }
        }
        let first = unit(index)
        index += 4
        guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) }
        guard index + 6 <= text.endIndex, text[index] == 92, text[index + 1] == 117 else { return nil }
        let second = unit(index + 2)
        guard second & 0xFC00 == 0xDC00 else { return nil }
        index += 6
        return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
    }
}
