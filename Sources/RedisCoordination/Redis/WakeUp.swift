import CHiredis
import Coordination
import Glibc

/// What a thread sleeps on: a socket, and a call from other threads.
final class WakeUp: Sendable {
    private let descriptor: Int32

    /// - Throws: `unavailable` when the process has no descriptor left.
    init() throws(CoordinationError) {
        self.descriptor = shim_eventfd()
        guard self.descriptor >= 0 else {
            throw CoordinationError(.unavailable, "no descriptor: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(self.descriptor) }

    /// From any thread. Counts also when nobody sleeps yet.
    func fire() {
        var one: UInt64 = 1
        // The counter of an eventfd is full only if the thread was woken already.
        _ = write(self.descriptor, &one, 8)
    }

    /// Sleeps until the socket is ready, ``fire()`` was called, or the time is over.
    ///
    /// - Parameters:
    ///   - socket: Below 0 for none.
    ///   - deadline: `nil` for no limit.
    /// - Returns: Whether the socket is ready, or broken: reading and writing tell.
    func sleep(
        socket: Int32 = -1,
        forWriting: Bool = false,
        until deadline: ContinuousClock.Instant? = nil
    ) -> Bool {
        var events = Int16(POLLIN)
        if forWriting { events |= Int16(POLLOUT) }
        // The kernel passes over descriptors below 0.
        var watched = [
            pollfd(fd: socket, events: events, revents: 0),
            pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        // Below 0 only when a signal interrupts it: the caller looks again.
        guard poll(&watched, 2, Self.milliseconds(until: deadline)) > 0 else { return false }
        if watched[1].revents != 0 {
            var count: UInt64 = 0
            _ = read(self.descriptor, &count, 8)
        }
        return watched[0].revents != 0
    }

    /// Rounded up, so that nothing spins before a deadline.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let (seconds, attoseconds) = (deadline - .now).components
        if seconds < 0 || attoseconds < 0 { return 0 }
        return Int32(min(seconds, 3600)) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
