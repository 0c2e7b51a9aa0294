import ServiceKit

/// The end of a thread and of what it had open, waited for also by tasks that were cancelled.
final class ThreadEnd: Sendable {
    private struct State: Sendable {
        var hasCome = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())

    /// The thread's last act.
    func come() {
        let waiters = self.state.withLock { state in
            state.hasCome = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { waiter in
            let hasCome = self.state.withLock { state in
                if !state.hasCome { state.waiters.append(waiter) }
                return state.hasCome
            }
            if hasCome { waiter.resume() }
        }
    }
}
