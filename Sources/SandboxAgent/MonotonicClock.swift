import Glibc

/// Nanoseconds of a clock that nobody sets.
enum MonotonicClock {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The instant that far from `start`, cut off at the end of time.
    static func instant(_ start: Int64, plus duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if isTooLong { return .max }
        let (instant, isTooLate) = start.addingReportingOverflow(nanoseconds)
        return isTooLate ? .max : instant + min(.max - instant, attoseconds / 1_000_000_000)
    }
}
