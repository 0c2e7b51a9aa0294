internal import ServiceKit

/// Lets one in at a time, in the order in which they came.
final class Line: Sendable {
    private struct State: Sendable {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())

    /// Runs `body` when those who came before are done. Cancellation does not let anyone go ahead.
    func run<T>(_ body: () async throws -> T) async rethrows -> T {
        await withCheckedContinuation { turn in
            let isFree = self.state.withLock { state in
                if state.isTaken {
                    state.waiting.append(turn)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { turn.resume() }
        }
        defer {
            let next: CheckedContinuation<Void, Never>? = self.state.withLock { state in
                if !state.waiting.isEmpty { return state.waiting.removeFirst() }
                state.isTaken = false
                return nil
            }
            next?.resume()
        }
        return try await body()
    }
}
