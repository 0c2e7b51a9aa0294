import ServiceKit

/// Runs writes on one thread of its own; those that arrived together share a transaction.
///
/// A caller is resumed after the commit. While the thread waits for the disk the next group gathers: a flush is shared
/// under load, and a lone write waits for no company.
public final class SerialWriter: Sendable {
    /// What a confirmed write survives.
    public enum Durability: Sendable {
        /// Power cuts: it is on disk when it is confirmed.
        case flushed
        /// The end of the process, also by a kill. It reaches the disk with the next flushed write at the latest, as
        /// the log is written in order.
        case relaxed
    }

    public let path: String
    /// What the thread holds. It does not hold the writer: one that nobody refers to any more closes itself.
    private let loop: WriterLoop

    /// Groups committed so far, for metrics.
    public var commits: Int { self.loop.commits }

    private init(loop: WriterLoop) {
        self.path = loop.path
        self.loop = loop
    }

    deinit { self.loop.inbox.close() }

    /// Opens or creates the database on the new thread, and returns when that has worked.
    ///
    /// - Parameters:
    ///   - idleCheckpointDelay: After this time without a write the log is moved into the database and emptied.
    ///   - prepare: Runs on the new connection before the first write; for migrations.
    /// - Throws: ``SQLiteError``, what `prepare` throws, or `ThreadError`.
    public static func open(
        path: String,
        idleCheckpointDelay: Duration = .seconds(1),
        prepare: @escaping @Sendable (Connection) throws -> Void = { _ in }
    ) async throws -> SerialWriter {
        let loop = WriterLoop(path: path, idleCheckpointDelay: idleCheckpointDelay)
        try await withCheckedThrowingContinuation { (opened: CheckedContinuation<Void, any Error>) in
            do {
                try DedicatedThread.start(name: "sqlite-writer", stackSize: 2 << 20) {
                    loop.run(opened: opened, prepare: prepare)
                }
            } catch {
                opened.resume(throwing: error)
            }
        }
        return SerialWriter(loop: loop)
    }

    /// Runs `body` on the writer's thread, all of it or nothing, and returns when it is committed.
    ///
    /// Cancellation does not withdraw a queued write: the caller learns what became of it.
    /// - Throws: What `body` throws (its changes are undone, its neighbours' are not), or ``SQLiteError``.
    public func write<T: Sendable>(
        durability: Durability = .flushed,
        _ body: @escaping @Sendable (Connection) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { caller in
            self.enqueue(durability: durability, body) { caller.resume(with: $0) }
        }
    }

    /// Runs `body` as ``write(durability:_:)`` does, and `completion` on the writer's thread right after the commit.
    ///
    /// For callers that cannot afford the hop to a task. `completion` must be quick: the next group waits for it.
    /// It runs on the calling thread, at once, if the writer is closed.
    ///
    /// - Parameter isSingleStatement: `body` changes the database by one statement at most, and throws if that fails:
    ///   SQLite undoes it by itself, and the cost of a savepoint is saved.
    public func enqueue<T: Sendable>(
        durability: Durability = .flushed,
        isSingleStatement: Bool = false,
        _ body: @escaping @Sendable (Connection) throws -> T,
        completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        let job = WriterLoop.Job(
            durability: durability,
            run: { connection in
                let outcome = Result {
                    if isSingleStatement {
                        try body(connection)
                    } else {
                        try connection.savepoint { try body(connection) }
                    }
                }
                return { completion(outcome) }
            },
            fail: { completion(.failure($0)) }
        )
        if !self.loop.inbox.append(job) { job.fail(SQLiteError(.closed, "the writer of \(self.path) is closed")) }
    }

    /// Refuses further writes, and returns when the queued ones are committed and the database is closed.
    public func close() async {
        self.loop.inbox.close()
        await self.loop.end.wait()
    }
}
