/// Text between its bytes and its form inside of JSON.
enum JSONText {
    private static let hex: StaticString = "0123456789abcdef"
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Where the next byte is, from `index`, that is a control character, a quote, a backslash or above 127.
    @inline(__always)
    static func plainEnd(_ text: UnsafeBufferPointer<UInt8>, from index: Int) -> Int {
        let raw = UnsafeRawBufferPointer(text)
        var index = index
        while index + 8 <= text.count {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
            let quote = word ^ (self.ones &* 34)
            let slash = word ^ (self.ones &* 92)
            // The classic test for a byte below n, three times; bytes above 127 set the high bit by themselves.
            // A borrow may mark a byte too many, but only behind one that is rightly marked.
            let marks = ((word &- self.ones &* 32) | (quote &- self.ones) | (slash &- self.ones) | word) & self.highs
            if marks != 0 { return index + marks.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < text.count {
            let byte = text[index]
            guard byte >= 32, byte < 128, byte != 34, byte != 92 else { return index }
            index += 1
        }
        return index
    }

    /// - Parameter isValid: Whether the bytes are known to be UTF-8; else what is not is replaced by U+FFFD.
    static func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, isValid: Bool, to bytes: inout [UInt8]) {
        bytes.append(34)
        let count = text.count
        var (index, start) = (0, 0)
        while true {
            index = self.plainEnd(text, from: index)
            guard index < count else { break }
            let byte = text[index]
            if byte < 128 {
                self.append(text, start, index, to: &bytes)
                self.appendEscape(byte, to: &bytes)
                index += 1
                start = index
            } else if isValid {
                index += 1
            } else {
                let length = UTF8Sequence.length(text, at: index)
                if length < 0 {
                    self.append(text, start, index, to: &bytes)
                    bytes.append(contentsOf: UTF8.encodedReplacementCharacter)
                    start = index - length
                }
                index += abs(length)
            }
        }
        self.append(text, start, count, to: &bytes)
        bytes.append(34)
    }

    /// A stretch as one copy: the collection way through a slice costs ten times as much.
    @inline(__always)
    private static func append(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ end: Int,
        to bytes: inout [UInt8]
    ) {
        guard start < end else { return }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
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
    static func unescape(_ text: UnsafeBufferPointer<UInt8>) -> String? {
        var isWhole = true
        // Escapes are never shorter than what they stand for.
        let result = String(unsafeUninitializedCapacity: text.count) { target in
            var (index, count) = (0, 0)
            while index < text.count {
                let byte = text[index]
                guard byte == 92 else {
                    target[count] = byte
                    (index, count) = (index + 1, count + 1)
                    continue
                }
                let kind = text[index + 1]
                index += 2
                if kind == 117 {
                    guard let scalar = self.scalar(text, &index) else {
                        isWhole = false
                        return 0
                    }
                    for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                        target[count] = byte
                        count += 1
                    }
                } else {
                    target[count] = self.meaning(of: kind)
                    count += 1
                }
            }
            return count
        }
        return isWhole ? result : nil
    }

    @inline(__always)
    private static func meaning(of escape: UInt8) -> UInt8 {
        switch escape {
        case 98: 8
        case 102: 12
        case 110: 10
        case 114: 13
        case 116: 9
        default: escape
        }
    }

    /// `index` is at the digits of `\uXXXX`, and moves behind them, or behind the pair.
    private static func scalar(_ text: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> Unicode.Scalar? {
        func unit(_ start: Int) -> UInt32 {
            (start..<start + 4).reduce(0) { sum, place in
                sum << 4 | UInt32(text[place] < 58 ? text[place] - 48 : (text[place] | 32) - 87)
            }
        }
        let first = unit(index)
        index += 4
        guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) }
        guard index + 6 <= text.count, text[index] == 92, text[index + 1] == 117 else { return nil }
        let second = unit(index + 2)
        guard second & 0xFC00 == 0xDC00 else { return nil }
        index += 6
        return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
    }
}
