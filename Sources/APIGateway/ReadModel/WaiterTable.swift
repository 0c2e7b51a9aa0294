import Dispatch
import ServiceKit

/// Those who wait for a value under a key, each for a limited time.
///
/// Register first, then do what makes the value come, then ask for ``Waiter/value()``: nothing is missed in between.
/// Deadlines cost no task: one timer is armed for the nearest.
final class WaiterTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Instant = ContinuousClock.Instant

    private struct Entry: Sendable {
        var waiter: Waiter<Value>
        var deadline: Instant
    }

    private struct State: Sendable {
        var entries: [Key: [UInt64: Entry]] = [:]
        var nextNumber: UInt64 = 0
        /// What the timer is armed for.
        var alarm: Instant?
    }

    private let state = Locked(State())
    private let timer = Timer()

    /// Sound: a source may be used on any thread.
    private struct Timer: @unchecked Sendable {
        let source = DispatchSource.makeTimerSource()
    }

    init() {
        self.timer.source.setEventHandler { [weak self] in self?.alarmRang() }
        self.timer.source.activate()
    }

    deinit { self.timer.source.cancel() }

    /// Whether anyone waits for `key`.
    func isAwaited(_ key: Key) -> Bool { self.state.withLock { $0.entries[key] != nil } }

    /// Begins to wait. The caller must ``Waiter/withdraw()`` in the end.
    func register(_ key: Key, timeout: Duration) -> Waiter<Value> {
        let now = ContinuousClock.now
        let deadline = now + timeout
        return self.state.withLock { state in
            state.nextNumber += 1
            let number = state.nextNumber
            let waiter = Waiter<Value> { [weak self] in self?.remove(key, number) }
            state.entries[key, default: [:]][number] = Entry(waiter: waiter, deadline: deadline)
            if state.alarm.map({ deadline < $0 }) ?? true { self.arm(&state, for: deadline, now: now) }
            return waiter
        }
    }

    /// Gives `value` to everyone who waits for `key`.
    func resume(_ key: Key, with value: Value) {
        let entries = self.state.withLock { $0.entries.removeValue(forKey: key) }
        for entry in (entries ?? [:]).values { entry.waiter.settle(.value(value)) }
    }

    /// Ends all waiting as if the time were over.
    func settleAll() {
        let entries = self.state.withLock { state in
            defer { state.entries = [:] }
            return state.entries
        }
        for waiters in entries.values { for entry in waiters.values { entry.waiter.settle(.timedOut) } }
    }

    private func remove(_ key: Key, _ number: UInt64) {
        self.state.withLock { state in
            state.entries[key]?[number] = nil
            if state.entries[key]?.isEmpty == true { state.entries[key] = nil }
        }
    }

    /// Under the lock, so that what the timer is set to and what it is said to be set to are the same.
    private func arm(_ state: inout State, for deadline: Instant, now: Instant) {
        state.alarm = deadline
        let (seconds, attoseconds) = (deadline - now).components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        self.timer.source.schedule(deadline: .now() + .nanoseconds(max(0, nanoseconds)), leeway: .milliseconds(1))
    }

    private func alarmRang() {
        let now = ContinuousClock.now
        let expired: [Waiter<Value>] = self.state.withLock { state in
            var expired: [Waiter<Value>] = []
            var nearest: Instant?
            for (key, entries) in state.entries {
                for (number, entry) in entries {
                    if entry.deadline <= now {
                        expired.append(entry.waiter)
                        state.entries[key]?[number] = nil
                    } else {
                        nearest = min(nearest ?? entry.deadline, entry.deadline)
                    }
                }
                if state.entries[key]?.isEmpty == true { state.entries[key] = nil }
            }
            state.alarm = nil
            if let nearest { self.arm(&state, for: nearest, now: now) }
            return expired
        }
        for waiter in expired { waiter.settle(.timedOut) }
    }
}

/// One who waits.
final class Waiter<Value: Sendable>: Sendable {
    /// How waiting ended.
    enum Outcome: Sendable {
        case value(Value)
        case timedOut
        /// The task that waits was cancelled: the client has left.
        case cancelled
    }

    private enum State: Sendable {
        /// Can transition to: `suspended` when asked for the value, `settled` when the value comes first.
        case registered
        /// Can transition to: `settled`.
        case suspended(CheckedContinuation<Outcome, Never>)
        /// Final.
        case settled(Outcome)
    }

    private let state = Locked(State.registered)
    private let onWithdraw: @Sendable () -> Void

    init(onWithdraw: @escaping @Sendable () -> Void) {
        self.onWithdraw = onWithdraw
    }

    /// Suspends until the value is there, the time is over or the task is cancelled. Call it once.
    func value() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Outcome? = self.state.withLock { state in
                    if case .settled(let outcome) = state { return outcome }
                    state = .suspended(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            self.settle(.cancelled)
        }
    }

    /// Ends waiting; harmless when it has ended.
    func withdraw() {
        self.onWithdraw()
        self.settle(.cancelled)
    }

    func settle(_ outcome: Outcome) {
        let continuation: CheckedContinuation<Outcome, Never>? = self.state.withLock { state in
            switch state {
            case .settled: return nil
            case .registered:
                state = .settled(outcome)
                return nil
            case .suspended(let continuation):
                state = .settled(outcome)
                return continuation
            }
        }
        continuation?.resume(returning: outcome)
    }
}
