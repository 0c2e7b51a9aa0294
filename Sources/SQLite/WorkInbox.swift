import ServiceKit

/// Hands jobs to the one thread that does them.
final class WorkInbox<Job: Sendable>: Sendable {
    private struct State: Sendable {
        var jobs: [Job] = []
        var isClosed = false
    }

    /// What the thread is to do next.
    enum Next {
        case jobs([Job])
        /// Nothing has come for the time given.
        case idle
        /// Closed, and nothing is left.
        case end
    }

    private let state = Monitor(State())

    /// Returns false, and takes nothing, if the inbox is closed.
    func append(_ job: Job) -> Bool {
        let (isAccepted, isFirst) = self.state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.jobs.append(job)
            return (true, state.jobs.count == 1)
        }
        if isFirst { self.state.signal() }
        return isAccepted
    }

    /// Refuses further jobs; the queued ones are still handed out.
    func close() {
        self.state.withLock { $0.isClosed = true }
        self.state.signal()
    }

    /// Everything that has gathered; blocks the thread while there is nothing.
    ///
    /// - Parameter idleAfter: `nil` waits for as long as it takes.
    func next(idleAfter: Duration?) -> Next {
        let take: (inout State) -> Next? = { state in
            guard state.jobs.isEmpty else {
                defer { state.jobs = [] }
                return .jobs(state.jobs)
            }
            return state.isClosed ? .end : nil
        }
        guard let idleAfter else { return self.state.wait(take) }
        return self.state.wait(for: idleAfter, take) ?? .idle
    }
}
