import ServiceKit

/// Lets a bounded number of sandboxes start at the same time; sessions go before the warm pool.
final class StartGate: Sendable {
    enum Priority: Sendable {
        case session
        case pool
    }

    private struct State: Sendable {
        var free: Int
        var sessions: [Signal] = []
        var pool: [Signal] = []
    }

    private let state: Locked<State>

    init(limit: Int) {
        self.state = Locked(State(free: limit))
    }

    /// Runs `body` when it is its turn.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits, and what `body` throws.
    func run<T>(_ priority: Priority, _ body: () async throws -> T) async throws -> T {
        if let turn = self.takeOrQueue(priority) {
            do { try await turn.wait() } catch {
                self.giveUp(turn)
                throw error
            }
        }
        defer { self.leave() }
        return try await body()
    }

    /// `nil` if it is the caller's turn at once.
    private func takeOrQueue(_ priority: Priority) -> Signal? {
        self.state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            let turn = Signal()
            switch priority {
            case .session: state.sessions.append(turn)
            case .pool: state.pool.append(turn)
            }
            return turn
        }
    }

    /// A turn may have come at the moment its waiter was cancelled: then it is passed on.
    private func giveUp(_ turn: Signal) {
        let hadCome = self.state.withLock { state in
            let count = state.sessions.count + state.pool.count
            state.sessions.removeAll { $0 === turn }
            state.pool.removeAll { $0 === turn }
            return state.sessions.count + state.pool.count == count
        }
        if hadCome { self.leave() }
    }

    private func leave() {
        let next: Signal? = self.state.withLock { state in
            if !state.sessions.isEmpty { return state.sessions.removeFirst() }
            if !state.pool.isEmpty { return state.pool.removeFirst() }
            state.free += 1
            return nil
        }
        next?.fire()
    }
}
