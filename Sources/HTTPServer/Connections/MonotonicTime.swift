import Glibc

/// Seconds of a clock that never goes back: a `ContinuousClock` in the form that fits an atomic.
enum MonotonicTime {
    /// A deadline that never comes.
    static let never = UInt64.max

    /// Nanoseconds.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension Duration {
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
