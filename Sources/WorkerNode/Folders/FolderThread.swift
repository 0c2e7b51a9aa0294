import ServiceKit

/// A thread of our own for calls on the file system, one after the other.
final class FolderThread: Sendable {
    private struct Inbox: Sendable {
        var jobs: [@Sendable () -> Void] = []
        var isClosed = false
    }

    private let inbox = Monitor(Inbox())

    /// - Throws: `ThreadError` when the system gives no thread.
    init(name: String) throws {
        try DedicatedThread.start(name: name) { [inbox] in
            while true {
                let jobs: [@Sendable () -> Void] = inbox.wait { inbox in
                    if inbox.jobs.isEmpty { return inbox.isClosed ? [] : nil }
                    defer { inbox.jobs = [] }
                    return inbox.jobs
                }
                if jobs.isEmpty { return }
                for job in jobs { job() }
            }
        }
    }

    deinit {
        self.inbox.withLock { $0.isClosed = true }
        self.inbox.signal()
    }

    /// Runs `body` on the thread. Cancellation does not withdraw it.
    func run<T: Sendable>(
        _ body: @escaping @Sendable () throws(WorkerNodeError) -> T
    ) async throws(WorkerNodeError) -> T {
        let result: Result<T, WorkerNodeError> = await withCheckedContinuation { continuation in
            self.inbox.withLock { inbox in
                inbox.jobs.append {
                    do throws(WorkerNodeError) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
            self.inbox.signal()
        }
        return try result.get()
    }
}
