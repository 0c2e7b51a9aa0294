import Synchronization

/// Makes request ids of 15 characters, which a `String` holds without an allocation: 6 of chance per server, and a count.
final class RequestIDGenerator: Sendable {
    private let prefix = UInt64.random(in: 0..<(1 << 30))
    private let counter = Atomic<UInt64>(0)

    func next() -> String {
        let count = self.counter.add(1, ordering: .relaxed).newValue
        return String(unsafeUninitializedCapacity: 15) { buffer in
            Self.write(self.prefix, 6, to: buffer, at: 0)
            Self.write(count, 9, to: buffer, at: 6)
            return 15
        }
    }

    /// Base 32, the most significant digit first.
    private static func write(
        _ value: UInt64,
        _ digits: Int,
        to buffer: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) {
        var rest = value
        for index in stride(from: start + digits - 1, through: start, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest & 31)
            buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            rest >>= 5
        }
    }

    /// Whether a client's id is taken over: 1 to 128 of `[A-Za-z0-9._-]`.
    static func isValid(_ id: some Collection<UInt8>) -> Bool {
        (1...128).contains(id.count)
            && id.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
