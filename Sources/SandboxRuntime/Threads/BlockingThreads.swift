import ServiceKit

/// Runs blocking calls on a few threads of our own, in the order in which they come.
///
/// Threads are started when there is work for them, and stay until ``close()``.
package final class BlockingThreads: Sendable {
    private typealias Job = @Sendable () -> Void

    private struct State {
        var jobs: [Job] = []
        /// The first of `jobs` that nobody has taken.
        var head = 0
        var threads = 0
        var idle = 0
        var isClosed = false

        mutating func take() -> Job? {
            guard self.head < self.jobs.count else { return nil }
            let job = self.jobs[self.head]
            self.head += 1
            if self.head == self.jobs.count {
                self.jobs.removeAll(keepingCapacity: self.jobs.count < 256)
                self.head = 0
            }
            return job
        }
    }

    private let name: String
    private let limit: Int
    private let state = Monitor(State())

    package init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Runs `body` on one of the threads. Cancellation does not stop it: the caller learns what became of it.
    ///
    /// - Throws: What `body` throws; ``RuntimeError/Code/exhausted`` if there is no thread and none can be made.
    @concurrent
    package func run<T: Sendable>(_ body: @escaping @Sendable () throws(RuntimeError) -> T) async throws(RuntimeError)
        -> T
    {
        let result: Result<T, RuntimeError> = await withCheckedContinuation { caller in
            self.submit(
                {
                    do throws(RuntimeError) {
                        caller.resume(returning: .success(try body()))
                    } catch {
                        caller.resume(returning: .failure(error))
                    }
                },
                onRefusal: { caller.resume(returning: .failure($0)) }
            )
        }
        return try result.get()
    }

    /// Runs `body` on one of the threads, or here if there is none: for what must be done in any case.
    package func detach(_ body: @escaping @Sendable () -> Void) {
        self.submit(body, onRefusal: { _ in body() })
    }

    /// Lets the threads end when the queue is empty; what comes later is refused.
    package func close() {
        self.state.withLock { $0.isClosed = true }
        self.state.broadcast()
    }

    private func submit(_ job: @escaping Job, onRefusal: (RuntimeError) -> Void) {
        enum Verdict { case queued, queuedForNewThread, closed }
        let verdict: Verdict = self.state.withLock { state in
            if state.isClosed { return .closed }
            state.jobs.append(job)
            guard state.jobs.count - state.head > state.idle, state.threads < self.limit else { return .queued }
            state.threads += 1
            return .queuedForNewThread
        }
        switch verdict {
        case .closed:
            onRefusal(RuntimeError(.unavailable, "the runtime is shut down"))
        case .queued:
            self.state.signal()
        case .queuedForNewThread:
            do throws(ThreadError) {
                try DedicatedThread.start(name: self.name) { self.work() }
            } catch {
                // The job waits for another thread; without one nobody would ever take it.
                let isOrphaned = self.state.withLock { state in
                    state.threads -= 1
                    guard state.threads == 0 else { return false }
                    state.jobs.removeAll()
                    state.head = 0
                    return true
                }
                if isOrphaned { onRefusal(RuntimeError(.exhausted, "no thread for \(self.name)", cause: error)) }
            }
        }
    }

    private func work() {
        while true {
            var isWaiting = false
            let job: Job? = self.state.wait { state -> Job?? in
                if isWaiting {
                    state.idle -= 1
                    isWaiting = false
                }
                if let job = state.take() { return .some(job) }
                if state.isClosed { return .some(nil) }
                state.idle += 1
                isWaiting = true
                return nil
            }
            guard let job else { return }
            job()
        }
    }
}
