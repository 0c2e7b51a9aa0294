import Dispatch
import ServiceKit

/// Hands jobs to the one thread that does them, and wakes it only if it sleeps.
final class WorkInbox<Job: Sendable>: Sendable {
    private struct State: Sendable {
        var jobs: [Job] = []
        var isClosed = false
        /// The thread waits, or is about to; whoever takes this flag down owes it one signal.
        var isAsleep = false
    }

    /// What the thread is to do next.
    enum Next {
        case jobs([Job])
        /// Nothing has come for the time given.
        case idle
        /// Closed, and nothing is left.
        case end
    }

    private let state = Locked(State())
    private let wakeUp = DispatchSemaphore(value: 0)

    /// Returns false, and takes nothing, if the inbox is closed.
    func append(_ job: Job) -> Bool {
        let (isAccepted, wasAsleep) = self.state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.jobs.append(job)
            defer { state.isAsleep = false }
            return (true, state.isAsleep)
        }
        if wasAsleep { self.wakeUp.signal() }
        return isAccepted
    }

    /// Refuses further jobs; the queued ones are still handed out.
    func close() {
        let wasAsleep = self.state.withLock { state in
            state.isClosed = true
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wasAsleep { self.wakeUp.signal() }
    }

    /// Everything that has gathered; blocks the thread while there is nothing.
    ///
    /// - Parameter idleAfter: `nil` waits for as long as it takes.
    func next(idleAfter: Duration?) -> Next {
        while true {
            let next: Next? = self.state.withLock { state in
                if !state.jobs.isEmpty {
                    defer { state.jobs = [] }
                    return .jobs(state.jobs)
                }
                if state.isClosed { return .end }
                state.isAsleep = true
                return nil
            }
            if let next { return next }
            guard let idleAfter else {
                self.wakeUp.wait()
                continue
            }
            let nanoseconds = Int(clamping: idleAfter.components.seconds * 1_000_000_000)
                + Int(idleAfter.components.attoseconds / 1_000_000_000)
            guard self.wakeUp.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .timedOut else { continue }
            let isStillAsleep = self.state.withLock { state in
                defer { state.isAsleep = false }
                return state.isAsleep
            }
            if isStillAsleep { return .idle }
            // The flag was taken down at the last moment: its signal is owed to us, and must not be left over.
            self.wakeUp.wait()
        }
    }
}
