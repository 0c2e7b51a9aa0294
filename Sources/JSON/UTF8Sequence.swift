/// One character's bytes in UTF-8, by the strict rules: no overlong form, no surrogate, nothing above U+10FFFF.
enum UTF8Sequence {
    /// How many bytes the sequence has that starts at `index` with a byte above 127; if it is wrong, minus how many
    /// bytes stand for one replacement character.
    static func length(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
        let first = text[index]
        let (count, low, high): (Int, UInt8, UInt8)
        switch first {
        case 0xC2...0xDF: (count, low, high) = (2, 0x80, 0xBF)
        case 0xE0: (count, low, high) = (3, 0xA0, 0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (count, low, high) = (3, 0x80, 0xBF)
        case 0xED: (count, low, high) = (3, 0x80, 0x9F)
        case 0xF0: (count, low, high) = (4, 0x90, 0xBF)
        case 0xF1...0xF3: (count, low, high) = (4, 0x80, 0xBF)
        case 0xF4: (count, low, high) = (4, 0x80, 0x8F)
        default: return -1
        }
        guard index + 1 < text.count, text[index + 1] >= low, text[index + 1] <= high else { return -1 }
        for offset in 2..<max(count, 2) {
            guard index + offset < text.count, text[index + offset] & 0xC0 == 0x80 else { return -offset }
        }
        return count
    }

    /// The offset of the first byte that is no UTF-8.
    static func firstFault(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        var index = 0
        while index < text.count {
            if text[index] < 128 {
                index += 1
                continue
            }
            let length = self.length(text, at: index)
            if length < 0 { return index }
            index += length
        }
        return nil
    }
}
