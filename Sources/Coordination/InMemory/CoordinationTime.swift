import Glibc

/// A moment, on both of the clocks that coordination goes by.
package struct CoordinationTime: Sendable, Hashable {
    /// For leases and lifetimes.
    package var instant: ContinuousClock.Instant
    /// Microseconds since 1970, for epochs.
    package var microseconds: Int64

    package init(instant: ContinuousClock.Instant, microseconds: Int64) {
        self.instant = instant
        self.microseconds = microseconds
    }

    package static func current() -> CoordinationTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return CoordinationTime(
            instant: .now,
            microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        )
    }
}
