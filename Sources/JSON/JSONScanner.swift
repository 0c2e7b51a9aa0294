/// Checks bytes against RFC 8259 without building anything: strict UTF-8, no recursion.
///
/// Numbers of any size and lone surrogates in escapes are valid, as in the RFC; a byte order mark is not.
/// A name may come twice: as in Python, the last one counts.
public struct JSONScanner {
    /// The deepest nesting that can be asked for.
    public static let depthLimit = 512

    private let text: UnsafeBufferPointer<UInt8>
    private(set) var index = 0
    private(set) var fault: JSONFault?

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// What is wrong with the bytes as one JSON value; `nil` if nothing is.
    ///
    /// - Parameter maxDepth: Objects and arrays inside of one another. Defaults to, and is at most, ``depthLimit``.
    public static func validate(_ bytes: UnsafeBufferPointer<UInt8>, maxDepth: Int = depthLimit) -> JSONFault? {
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        guard scanner.index < bytes.count else { return JSONFault(.empty, offset: 0) }
        if scanner.skipValue(maxDepth: maxDepth), scanner.isAtEnd() { return nil }
        return scanner.faultOfWhole
    }

    /// What is wrong with the bytes as one JSON value; `nil` if nothing is.
    public static func validate(_ bytes: [UInt8], maxDepth: Int = depthLimit) -> JSONFault? {
        bytes.withUnsafeBufferPointer { self.validate($0, maxDepth: maxDepth) }
    }

    /// Bytes that are no UTF-8 are so wherever the grammar breaks first: that is what a client is told.
    var faultOfWhole: JSONFault {
        if let offset = UTF8Sequence.firstFault(self.text) { return JSONFault(.encoding, offset: offset) }
        return self.fault ?? JSONFault(.syntax, offset: self.index)
    }

    mutating func fail(_ code: JSONFault.Code = .syntax) -> Bool {
        if self.fault == nil { self.fault = JSONFault(code, offset: self.index) }
        return false
    }

    /// The byte that is next; 0, which starts nothing, at the end.
    @inline(__always)
    var next: UInt8 { self.index < self.text.count ? self.text[self.index] : 0 }

    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard self.next == byte else { return false }
        self.index += 1
        return true
    }

    @inline(__always)
    mutating func skipSpace() {
        while self.index < self.text.count {
            let byte = self.text[self.index]
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            self.index += 1
        }
    }

    /// Skips white space up to the end.
    mutating func isAtEnd() -> Bool {
        self.skipSpace()
        return self.index == self.text.count || self.fail()
    }

    /// Moves behind one value that starts here. `false` leaves the fault behind.
    mutating func skipValue(maxDepth: Int) -> Bool {
        // A bit for each open bracket, by depth: 1 is an object.
        var brackets = InlineArray<8, UInt64>(repeating: 0)
        var depth = 0
        while true {
            self.skipSpace()
            var isClosing = false
            switch self.next {
            case 123, 91:
                guard depth < min(maxDepth, Self.depthLimit) else { return self.fail(.depth) }
                let isObject = self.next == 123
                self.index += 1
                let bit: UInt64 = 1 << UInt64(depth & 63)
                brackets[depth >> 6] = isObject ? brackets[depth >> 6] | bit : brackets[depth >> 6] & ~bit
                depth += 1
                self.skipSpace()
                if self.next == (isObject ? 125 : 93) {
                    isClosing = true
                } else {
                    if isObject, !self.skipName() { return false }
                    continue
                }
            case 34: guard self.skipString() else { return false }
            case 45, 48...57: guard self.skipNumber() else { return false }
            case 116: guard self.skipWord("true") else { return false }
            case 102: guard self.skipWord("false") else { return false }
            case 110: guard self.skipWord("null") else { return false }
            default: return self.fail()
            }
            // A value has ended; close brackets until another one must follow.
            while true {
                if isClosing {
                    self.index += 1
                    depth -= 1
                }
                if depth == 0 { return true }
                self.skipSpace()
                let isObject = brackets[(depth - 1) >> 6] >> UInt64((depth - 1) & 63) & 1 == 1
                if self.take(44) {
                    self.skipSpace()
                    if isObject, !self.skipName() { return false }
                    break
                }
                guard self.next == (isObject ? 125 : 93) else { return self.fail() }
                isClosing = true
            }
        }
    }

    /// Moves behind a member's name and its colon.
    mutating func skipName() -> Bool {
        guard self.next == 34 else { return self.fail() }
        guard self.skipString() else { return false }
        self.skipSpace()
        return self.take(58) || self.fail()
    }

    /// Moves behind a string that starts here with its quote.
    mutating func skipString() -> Bool {
        self.index += 1
        while true {
            self.index = JSONText.plainEnd(self.text, from: self.index)
            guard self.index < self.text.count else { return self.fail() }
            let byte = self.text[self.index]
            switch byte {
            case 34:
                self.index += 1
                return true
            case 92: guard self.skipEscape() else { return false }
            case 0..<32: return self.fail()
            case 128...255:
                let length = UTF8Sequence.length(self.text, at: self.index)
                guard length > 0 else { return self.fail(.encoding) }
                self.index += length
            default: preconditionFailure("plainEnd stops at these only")
            }
        }
    }

    private mutating func skipEscape() -> Bool {
        self.index += 1
        switch self.next {
        case 34, 92, 47, 98, 102, 110, 114, 116:
            self.index += 1
            return true
        case 117:
            self.index += 1
            for _ in 0..<4 {
                switch self.next {
                case 48...57, 65...70, 97...102: self.index += 1
                default: return self.fail()
                }
            }
            return true
        default: return self.fail()
        }
    }

    private mutating func skipNumber() -> Bool {
        _ = self.take(45)
        if !self.take(48), !self.skipDigits() { return false }
        if self.take(46), !self.skipDigits() { return false }
        if self.next | 32 == 101 {
            self.index += 1
            if self.next == 43 || self.next == 45 { self.index += 1 }
            return self.skipDigits()
        }
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = self.index
        while self.next >= 48, self.next <= 57 { self.index += 1 }
        return self.index > start || self.fail()
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        for offset in 0..<word.utf8CodeUnitCount {
            guard self.take(word.utf8Start[offset]) else { return self.fail() }
        }
        return true
    }
}
