import Synchronization

/// Makes ids that sort by the time they were made.
///
/// 13 characters of microseconds since 1970, strictly rising within the process, and 10 of randomness (50 bits), which
/// keep processes apart; in Crockford's base 32, lower case.
public enum SortableID {
    private static let last = Atomic<UInt64>(0)
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    public static func next() -> String {
        let now = UInt64(Timestamp.now().microseconds)
        var seen = self.last.load(ordering: .relaxed)
        while true {
            let tick = max(now, seen + 1)
            let (exchanged, original) = self.last.compareExchange(expected: seen, desired: tick, ordering: .relaxed)
            if exchanged {
                var generator = SystemRandomNumberGenerator()
                return self.text(tick, random: generator.next())
            }
            seen = original
        }
    }

    /// When an id was made, as it says itself; `nil` for a text that is no id behind this prefix.
    static func time(of text: String, prefix: String) -> Timestamp? {
        guard text.hasPrefix(prefix), text.utf8.count == prefix.utf8.count + 23 else { return nil }
        var tick: UInt64 = 0
        for (position, character) in text.utf8.dropFirst(prefix.utf8.count).enumerated() {
            guard let digit = self.alphabet.firstIndex(of: character) else { return nil }
            // Of the 65 bits that are written the first is never set.
            if position < 13 { tick = tick << 5 | UInt64(digit) }
        }
        return Int64(exactly: tick).map(Timestamp.init(microseconds:))
    }

    static func text(_ tick: UInt64, random: UInt64) -> String {
        String(unsafeUninitializedCapacity: 23) { buffer in
            for position in 0..<13 { buffer[position] = self.alphabet[Int(tick >> UInt64((12 - position) * 5) & 31)] }
            for position in 0..<10 { buffer[13 + position] = self.alphabet[Int(random >> UInt64(position * 5) & 31)] }
            return 23
        }
    }
}
