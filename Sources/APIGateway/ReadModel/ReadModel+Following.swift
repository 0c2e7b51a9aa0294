import MessageBus
import Messages
import ServiceKit

/// Who waits until the view has come as far as the log was.
struct FollowWaiters: Sendable {
    private var waiters: [(ends: [Int: Int64], signal: Signal)] = []

    var isEmpty: Bool { self.waiters.isEmpty }

    /// - Returns: `nil` if it has come as far already.
    mutating func add(_ ends: [Int: Int64], offsets: [Int: Int64]) -> Signal? {
        let rest = ends.filter { offsets[$0.key] ?? 0 < $0.value }
        guard !rest.isEmpty else { return nil }
        let signal = Signal()
        self.waiters.append((rest, signal))
        return signal
    }

    /// Those whose waiting is over.
    mutating func take(offsets: [Int: Int64]) -> [Signal] {
        var over: [Signal] = []
        self.waiters.removeAll { waiter in
            guard waiter.ends.allSatisfy({ offsets[$0.key] ?? 0 >= $0.value }) else { return false }
            over.append(waiter.signal)
            return true
        }
        return over
    }
}

extension ReadModel {
    /// How long a request waits for the view to come as far as the log was.
    private static let followPatience: Duration = .seconds(5)

    /// Returns when the records before these offsets are in the view, or some seconds have passed: a log's end may be
    /// something that nobody is given.
    ///
    /// - Parameter ends: By partition, from 0.
    func waitUntilFollowed(_ ends: [Int64]) async throws {
        let wanted = Dictionary(uniqueKeysWithValues: ends.enumerated().map { ($0.offset, $0.element) })
        guard let signal = self.state.withLock({ $0.followers.add(wanted, offsets: $0.model.offsets) }) else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await signal.wait() }
            group.addTask { try await Task.sleep(for: Self.followPatience) }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Takes a record that another gateway has shown. Its place in the log is yet to be followed.
    func learn(_ record: StateRecord) {
        let change = ReadModelState.Change(key: record.key, record: record, partition: -1, offset: -1)
        let now = ContinuousClock.now
        let effect = self.state.withLock { $0.model.learn(change, now: now) }
        if let effect { self.carryOut(effect) }
    }

    /// What memory knows of a thing.
    func peek(_ key: StateKey) -> StateRecord? { self.state.withLock { $0.model.cache.peek(key) } }
}
