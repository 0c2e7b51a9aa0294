import Glibc

/// A moment of the wall clock, in microseconds since 1970 (UTC).
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    public static func + (left: Timestamp, right: Duration) -> Timestamp {
        let (seconds, attoseconds) = right.components
        return Timestamp(microseconds: left.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .microseconds(left.microseconds - right.microseconds)
    }

    /// ISO 8601 in UTC with six digits of fraction: `2026-11-24T21:03:48.123456+00:00`.
    public var description: String {
        var seconds = time_t(self.microseconds / 1_000_000)
        var fraction = self.microseconds % 1_000_000
        if fraction < 0 {
            fraction += 1_000_000
            seconds -= 1
        }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(unsafeUninitializedCapacity: 32) { buffer in
            var position = 0
            func put(_ value: Int, _ width: Int, _ separator: StaticString) {
                var value = value
                for place in stride(from: position + width - 1, through: position, by: -1) {
                    buffer[place] = UInt8(48 + value % 10)
                    value /= 10
                }
                position += width
                for offset in 0..<separator.utf8CodeUnitCount {
                    buffer[position] = separator.utf8Start[offset]
                    position += 1
                }
            }
            put(Int(parts.tm_year) + 1900, 4, "-")
            put(Int(parts.tm_mon) + 1, 2, "-")
            put(Int(parts.tm_mday), 2, "T")
            put(Int(parts.tm_hour), 2, ":")
            put(Int(parts.tm_min), 2, ":")
            put(Int(parts.tm_sec), 2, ".")
            put(Int(fraction), 6, "+00:00")
            return position
        }
    }
}
