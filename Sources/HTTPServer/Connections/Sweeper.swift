import CMicrohttpd
import Dispatch
import Foundation
import Glibc
import ServiceKit
import Synchronization

/// Ends what the library does not: requests over their deadlines, and those whose client left while they were parked.
///
/// Its thread sleeps for good while there is no connection, to the nearest deadline (1 s at most) while there are, and
/// 250 ms while one is parked.
final class Sweeper: Sendable {
    private struct State: Sendable {
        var connections: [ObjectIdentifier: Connection] = [:]
        var isStopped = false
        /// When the thread wakes by itself; `never` while it sleeps for good.
        var wakesAt = MonotonicTime.never
    }

    private static let longestSleep: UInt64 = 1_000_000_000
    private static let watchInterval: UInt64 = 250_000_000

    private let state = Locked(State())
    private let wakeup = DispatchSemaphore(value: 0)
    /// Whether parked connections are looked after at short intervals.
    private let isWatching = Atomic(false)
    private let ended = Signal()

    func start() {
        let thread = Thread { [self] in
            while let sleep = self.sweep() {
                if sleep == MonotonicTime.never {
                    self.wakeup.wait()
                } else {
                    _ = self.wakeup.wait(timeout: .now() + .nanoseconds(Int(sleep)))
                }
            }
            self.ended.fire()
        }
        thread.name = "http-sweeper"
        thread.stackSize = 512 * 1024
        thread.start()
    }

    func stop() async {
        self.state.withLock { $0.isStopped = true }
        self.wakeup.signal()
        // Thrown only on cancellation: then the thread ends unwatched.
        try? await self.ended.wait()
    }

    /// On the connection's thread, before the library uses it.
    func add(_ connection: Connection) {
        let isLate = self.state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = connection
            return connection.currentDeadline < state.wakesAt
        }
        if isLate { self.wakeup.signal() }
    }

    /// On the connection's thread, before its descriptor is closed: while the lock is held, no number is used again.
    func remove(_ connection: Connection) {
        self.state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// A connection was parked. Wakes the thread at most once per interval, however many are.
    func sawParking() {
        guard !self.isWatching.load(ordering: .relaxed) else { return }
        self.isWatching.store(true, ordering: .relaxed)
        self.wakeup.signal()
    }

    var exchanges: [Exchange] {
        self.state.withLock { $0.connections.values.compactMap(\.currentExchange) }
    }

    var connectionCount: Int { self.state.withLock { $0.connections.count } }

    /// - Returns: How long to sleep, in nanoseconds; `nil` when stopped.
    private func sweep() -> UInt64? {
        // Before looking: what parks meanwhile wakes the thread again.
        self.isWatching.store(false, ordering: .sequentiallyConsistent)
        var gone: [Exchange] = []
        var hasParked = false
        let sleep: UInt64? = self.state.withLock { state in
            guard !state.isStopped else { return nil }
            let now = MonotonicTime.now()
            var nearest = MonotonicTime.never
            var parked: [Exchange] = []
            var polls: [pollfd] = []
            for connection in state.connections.values {
                let deadline = connection.currentDeadline
                let exchange = connection.currentExchange
                if deadline <= now {
                    // The connection's thread sees an end of the stream, and closes.
                    shutdown(connection.descriptor, Int32(SHUT_RDWR))
                    if let exchange { gone.append(exchange) }
                } else {
                    nearest = min(nearest, deadline)
                    if let exchange, exchange.isParked {
                        parked.append(exchange)
                        polls.append(pollfd(fd: connection.descriptor, events: Int16(MHDX_POLLRDHUP), revents: 0))
                    }
                }
            }
            hasParked = !parked.isEmpty
            // Never waits: a timeout of zero.
            if hasParked, poll(&polls, nfds_t(polls.count), 0) > 0 {
                for (exchange, poll) in zip(parked, polls) where poll.revents != 0 { gone.append(exchange) }
            }
            guard !state.connections.isEmpty else {
                state.wakesAt = MonotonicTime.never
                return MonotonicTime.never
            }
            let untilDeadline = nearest == MonotonicTime.never ? Self.longestSleep : nearest - now
            let sleep = min(untilDeadline, hasParked ? Self.watchInterval : Self.longestSleep)
            state.wakesAt = now + sleep
            return sleep
        }
        if hasParked { self.isWatching.store(true, ordering: .relaxed) }
        // Outside of the lock: this resumes tasks.
        for exchange in gone { exchange.abandon() }
        return sleep
    }
}
