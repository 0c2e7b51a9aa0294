internal import MessageBus
internal import ServiceKit

/// The records that follow from decisions, in order, until they are published.
///
/// One publication is under way at a time: what comes meanwhile goes out with the next, so that the order of a partition
/// holds whatever the log does, and the cost of a round trip is shared under load.
final class Outbox: Sendable {
    private struct State {
        var messages: [OutgoingMessage] = []
        var bytes = 0
        /// Messages ever added, and of those the ones that are published or dropped.
        var added: UInt64 = 0
        var done: UInt64 = 0
        var arrival = Signal()
        var room: Signal?
        var drains: [(upTo: UInt64, signal: Signal)] = []
    }

    private let state = Locked(State())
    private let byteLimit: Int

    /// - Parameter byteLimit: Beyond it ``waitForRoom()`` waits. Defaults to 64 MiB.
    init(byteLimit: Int = 64 << 20) {
        self.byteLimit = byteLimit
    }

    var count: Int { self.state.withLock { Int($0.added - $0.done) } }

    func add(_ messages: [OutgoingMessage]) {
        guard !messages.isEmpty else { return }
        let arrival = self.state.withLock { state in
            state.messages += messages
            state.added += UInt64(messages.count)
            state.bytes += messages.reduce(0) { $0 + Self.size($1) }
            return state.arrival
        }
        arrival.fire()
    }

    /// Everything that waits, at least one message. ``published(_:)`` must follow before the next call.
    ///
    /// - Throws: `CancellationError`.
    func next() async throws -> [OutgoingMessage] {
        while true {
            let (messages, arrival) = self.state.withLock { state in
                defer { state.messages = [] }
                if state.messages.isEmpty, state.arrival.isFired { state.arrival = Signal() }
                return (state.messages, state.arrival)
            }
            if !messages.isEmpty { return messages }
            try await arrival.wait()
        }
    }

    func published(_ messages: [OutgoingMessage]) {
        let bytes = messages.reduce(0) { $0 + Self.size($1) }
        self.settle(UInt64(messages.count), bytes)
    }

    /// Drops what was not taken yet of partitions that are lost: their new owner decides.
    func drop(statePartitions partitions: Set<Int>, of topic: String) {
        let dropped = self.state.withLock { state in
            let kept = state.messages.filter { $0.topic != topic || !($0.partition.map(partitions.contains) ?? false) }
            defer { state.messages = kept }
            return state.messages.count - kept.count
        }
        self.settle(UInt64(dropped), 0)
    }

    /// Returns once everything added before the call is published.
    ///
    /// - Throws: `CancellationError`.
    func drained() async throws {
        let signal: Signal? = self.state.withLock { state in
            guard state.done < state.added else { return nil }
            let signal = Signal()
            state.drains.append((state.added, signal))
            return signal
        }
        try await signal?.wait()
    }

    /// Returns at once unless too much waits to be published: then when half of it is.
    ///
    /// - Throws: `CancellationError`.
    func waitForRoom() async throws {
        let room: Signal? = self.state.withLock { state in
            guard state.bytes > self.byteLimit else { return nil }
            let room = state.room ?? Signal()
            state.room = room
            return room
        }
        try await room?.wait()
    }

    private func settle(_ count: UInt64, _ bytes: Int) {
        let signals = self.state.withLock { state in
            state.done += count
            state.bytes -= bytes
            var signals = state.drains.filter { $0.upTo <= state.done }.map(\.signal)
            state.drains.removeAll { $0.upTo <= state.done }
            if let room = state.room, state.bytes <= self.byteLimit / 2 {
                signals.append(room)
                state.room = nil
            }
            return signals
        }
        for signal in signals { signal.fire() }
    }

    private static func size(_ message: OutgoingMessage) -> Int {
        64 + message.key.utf8.count + (message.body?.count ?? 0)
    }
}
