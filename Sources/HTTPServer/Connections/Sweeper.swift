import CMicrohttpd
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
    /// Whether the thread is wanted before its time.
    private let wakeup = Monitor(false)
    /// Whether a connection was parked since the last sweep.
    private let hasSeenParking = Atomic(false)
    /// Whether the thread sleeps longer than a parked connection may wait to be looked after.
    private let isFarAway = Atomic(false)
    private let ended = Signal()

    func start() throws(ThreadError) {
        try DedicatedThread.start(name: "http-sweeper") { [self] in
            while let sleep = self.sweep() {
                if sleep == MonotonicTime.never {
                    self.wakeup.wait(Self.takeWakeup)
                } else {
                    _ = self.wakeup.wait(for: .nanoseconds(Int64(sleep)), Self.takeWakeup)
                }
            }
            self.ended.fire()
        }
    }

    private static func takeWakeup(_ isWanted: inout Bool) -> Void? {
        defer { isWanted = false }
        return isWanted ? () : nil
    }

    private func wake() {
        self.wakeup.withLock { $0 = true }
        self.wakeup.signal()
    }

    func requestStop() {
        self.state.withLock { $0.isStopped = true }
        self.wake()
    }

    func stop() async {
        self.requestStop()
        // Thrown only on cancellation: then the thread ends unwatched.
        try? await self.ended.wait()
    }

    /// On the connection's thread, before the library uses it.
    func add(_ connection: Connection) {
        let isLate = self.state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = connection
            return connection.currentDeadline < state.wakesAt
        }
        if isLate { self.wake() }
    }

    /// On the connection's thread, before its descriptor is closed: while the lock is held, no number is used again.
    func remove(_ connection: Connection) {
        self.state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// A connection was parked. Wakes the thread at most once per interval, however many are.
    func sawParking() {
        if !self.hasSeenParking.load(ordering: .relaxed) {
            self.hasSeenParking.store(true, ordering: .sequentiallyConsistent)
        }
        guard self.isFarAway.load(ordering: .sequentiallyConsistent) else { return }
        if self.isFarAway.exchange(false, ordering: .sequentiallyConsistent) { self.wake() }
    }

    var exchanges: [Exchange] {
        self.state.withLock { $0.connections.values.compactMap(\.currentExchange) }
    }

    /// Ends the connections that have an exchange: parked ones go on, and those whose client takes nothing find it gone.
    func cutOffExchanges() {
        let exchanges = self.state.withLock { state in
            state.connections.values.compactMap { connection -> Exchange? in
                guard let exchange = connection.currentExchange else { return nil }
                shutdown(connection.descriptor, Int32(SHUT_RDWR))
                return exchange
            }
        }
        for exchange in exchanges { exchange.abandon() }
    }

    var connectionCount: Int { self.state.withLock { $0.connections.count } }

    /// - Returns: How long to sleep, in nanoseconds; `nil` when stopped.
    private func sweep() -> UInt64? {
        self.isFarAway.store(false, ordering: .sequentiallyConsistent)
        var isWatching = self.hasSeenParking.exchange(false, ordering: .sequentiallyConsistent)
        var gone: [Exchange] = []
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
            // Never waits: a timeout of zero.
            if !parked.isEmpty, poll(&polls, nfds_t(polls.count), 0) > 0 {
                for (exchange, poll) in zip(parked, polls) where poll.revents != 0 { gone.append(exchange) }
            }
            if !isWatching, parked.isEmpty {
                // What parks from here on wakes the thread; what did before this line is seen below.
                self.isFarAway.store(true, ordering: .sequentiallyConsistent)
                isWatching = self.hasSeenParking.load(ordering: .sequentiallyConsistent)
            } else {
                isWatching = true
            }
            guard !state.connections.isEmpty else {
                state.wakesAt = MonotonicTime.never
                return MonotonicTime.never
            }
            let untilDeadline = nearest == MonotonicTime.never ? Self.longestSleep : nearest - now
            let sleep = min(untilDeadline, isWatching ? Self.watchInterval : Self.longestSleep)
            state.wakesAt = now + sleep
            return sleep
        }
        // Outside of the lock: this resumes tasks.
        for exchange in gone { exchange.abandon() }
        return sleep
    }
}
