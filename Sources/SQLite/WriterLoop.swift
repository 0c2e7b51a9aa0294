import ServiceKit
import Synchronization

/// The thread of a ``SerialWriter``: takes what has gathered, commits it as one group, answers.
final class WriterLoop: Sendable {
    struct Job: Sendable {
        var durability: SerialWriter.Durability
        /// Returns what tells the caller, to be called after the commit.
        var run: @Sendable (Connection) -> @Sendable () -> Void
        var fail: @Sendable (any Error) -> Void
    }

    /// Bounds how long the first write of a group waits for the last.
    private static let largestGroup = 512

    let path: String
    let inbox = WorkInbox<Job>()
    private let idleCheckpointDelay: Duration
    private let commitCount = Atomic(0)
    let end = ThreadEnd()

    var commits: Int { self.commitCount.load(ordering: .relaxed) }

    init(path: String, idleCheckpointDelay: Duration) {
        self.path = path
        self.idleCheckpointDelay = idleCheckpointDelay
    }

    /// Serves until the inbox is closed and empty.
    func run(opened: CheckedContinuation<Void, any Error>, prepare: @Sendable (Connection) throws -> Void) {
        do {
            // In a scope of its own: the file is closed before anybody hears of the end.
            let connection = try Connection(path: self.path)
            try prepare(connection)
            opened.resume()
            self.serve(connection)
        } catch {
            self.inbox.close()
            opened.resume(throwing: error)
        }
        self.end.come()
    }

    private func serve(_ connection: Connection) {
        var isCheckpointDue = false
        var isFlushing = true
        while true {
            switch self.inbox.next(idleAfter: isCheckpointDue ? self.idleCheckpointDelay : nil) {
            case .jobs(let jobs):
                var rest = jobs[...]
                while !rest.isEmpty {
                    self.commit(rest.prefix(Self.largestGroup), on: connection, isFlushing: &isFlushing)
                    rest = rest.dropFirst(Self.largestGroup)
                }
                isCheckpointDue = true
            case .idle:
                connection.checkpoint()
                isCheckpointDue = false
            case .end:
                return
            }
        }
    }

    private func commit(_ jobs: ArraySlice<Job>, on connection: Connection, isFlushing: inout Bool) {
        do {
            let mustFlush = jobs.contains { $0.durability == .flushed }
            if mustFlush != isFlushing {
                // Only outside of a transaction.
                try connection.run(mustFlush ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL")
                isFlushing = mustFlush
            }
            try connection.execute("BEGIN IMMEDIATE")
            var answers: [@Sendable () -> Void] = []
            answers.reserveCapacity(jobs.count)
            for job in jobs {
                answers.append(job.run(connection))
                // Without this the next body would run, and last, outside of any transaction.
                guard connection.isInTransaction else {
                    throw SQLiteError(.full, "SQLite ended the transaction of \(self.path)")
                }
            }
            try connection.commit()
            self.commitCount.add(1, ordering: .relaxed)
            for answer in answers { answer() }
        } catch {
            connection.rollback()
            for job in jobs { job.fail(error) }
        }
    }
}

extension Connection {
    /// Moves the log into the database and empties it, unless somebody reads from it just now.
    fileprivate func checkpoint() {
        self.withoutWaiting {
            // A reader in the way is no failure: the log stays as it is, and the next idle time tries again.
            _ = try? self.query("PRAGMA wal_checkpoint(TRUNCATE)") { $0.int(0) }
        }
    }
}
