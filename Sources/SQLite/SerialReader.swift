public import ServiceKit

/// Runs reads that may take a while on one thread of its own, one after the other.
public final class SerialReader: Sendable {
    private let path: String
    private typealias Job = @Sendable (Result<Connection, SQLiteError>) -> Void

    private let inbox: WorkInbox<Job>
    private let end: ThreadEnd

    /// Starts the thread; the file is opened with the first read.
    ///
    /// - Throws: `ThreadError` if the system allows no further thread.
    public init(path: String) throws(ThreadError) {
        let (inbox, end) = (WorkInbox<Job>(), ThreadEnd())
        (self.path, self.inbox, self.end) = (path, inbox, end)
        try DedicatedThread.start(name: "sqlite-reader") {
            Self.serve(path, inbox)
            end.come()
        }
    }

    /// The file is closed when it returns.
    private static func serve(_ path: String, _ inbox: WorkInbox<Job>) {
        var connection: Connection?
        while case .jobs(let jobs) = inbox.next(idleAfter: nil) {
            for job in jobs {
                do throws(SQLiteError) {
                    let open = if let connection { connection } else { try Connection(path: path, access: .readOnly) }
                    connection = open
                    job(.success(open))
                } catch {
                    job(.failure(error))
                }
            }
        }
    }

    deinit { self.inbox.close() }

    /// Runs `body` on the reader's thread. Cancellation does not withdraw it.
    ///
    /// - Throws: What `body` throws, or ``SQLiteError``.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { caller in
            let isAccepted = self.inbox.append { connection in
                caller.resume(with: Result { try body(connection.get()) })
            }
            if !isAccepted { caller.resume(throwing: SQLiteError(.closed, "the reader of \(self.path) is closed")) }
        }
    }

    /// Refuses further reads, and returns when those that wait are answered and the database is closed.
    public func close() async {
        self.inbox.close()
        await self.end.wait()
    }
}
