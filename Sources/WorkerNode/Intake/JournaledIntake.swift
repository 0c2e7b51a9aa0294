import MessageBus
import Messages
import SQLite
import ServiceKit
import Synchronization

/// Follows the node's topic and remembers in a file of its own how far it has got and what began or never will: a flush of the local
/// disk, where a commit to a log elsewhere would be a round trip more.
///
/// The file is the node's memory: with it, a worker that was killed knows which attempts it had started.
final class JournaledIntake: CommandIntake {
    /// Attempts are forgotten after this: longer than the node's topic keeps commands.
    static let attemptsKept: Duration = .seconds(2 * 86_400)

    private static let migrations = [
        Migration(
            id: 1,
            sql: """
                CREATE TABLE journal_offset (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
                CREATE TABLE journal_attempt (
                    execution TEXT NOT NULL, attempt INTEGER NOT NULL, begun_at INTEGER NOT NULL,
                    PRIMARY KEY (execution, attempt)
                ) WITHOUT ROWID;
                CREATE INDEX journal_attempt_age ON journal_attempt (begun_at);
                CREATE TABLE journal_mark (name TEXT PRIMARY KEY) WITHOUT ROWID;
                """
        )
    ]
    private static let drainMark = "draining"

    private let follower: any MessageFollower
    private let writer: SerialWriter
    private let readers: ReaderPool
    private let logger: Logger
    private let draining: Atomic<Bool>

    private init(follower: any MessageFollower, writer: SerialWriter, isDraining: Bool, logger: Logger) {
        self.follower = follower
        self.writer = writer
        self.readers = ReaderPool(path: writer.path)
        self.logger = logger
        self.draining = Atomic(isDraining)
    }

    /// - Parameter path: The journal; its folder exists.
    /// - Throws: ``BusError``, ``SQLiteError``.
    static func open(path: String, bus: any MessageBus, topic: String, logger: Logger) async throws -> JournaledIntake {
        let oldest = Timestamp.now() + (.zero - Self.attemptsKept)
        let writer = try await SerialWriter.open(path: path) { connection in
            try connection.migrate("journal", Self.migrations)
            try connection.execute(
                "DELETE FROM journal_attempt WHERE begun_at < ?",
                [.int(oldest.microseconds)]
            )
        }
        do {
            let (offsets, isDraining) = try await writer.write(durability: .relaxed) { connection in
                let rows = try connection.query("SELECT partition, next FROM journal_offset") {
                    ($0.int(0), $0.int64(1))
                }
                let mark = try connection.first(
                    "SELECT 1 FROM journal_mark WHERE name = ?",
                    [.text(Self.drainMark)]
                ) { $0.int(0) }
                return (Dictionary(uniqueKeysWithValues: rows), mark != nil)
            }
            let follower = try await Self.follow(topic, bus, from: offsets, logger)
            return JournaledIntake(follower: follower, writer: writer, isDraining: isDraining, logger: logger)
        } catch {
            await writer.close()
            throw error
        }
    }

    private static func follow(
        _ topic: String,
        _ bus: any MessageBus,
        from offsets: [Int: Int64],
        _ logger: Logger
    ) async throws(BusError) -> any MessageFollower {
        do throws(BusError) {
            return try await bus.follow(topic, from: offsets)
        } catch {
            guard error.code == .offsetOutOfRange else { throw error }
            logger.warning("The node's topic is not the one of the journal; reading all of it")
            return try await bus.follow(topic, from: [:])
        }
    }

    func next(upTo limit: Int) async throws -> [Delivery] { try await self.follower.next(upTo: limit) }

    func settle(
        _ deliveries: [Delivery],
        spent: [AttemptKey],
        durability: Durability
    ) async throws(BusError) {
        let next = deliveries.reduce(into: [Int: Int64]()) { $0[$1.partition] = $1.offset + 1 }
        let now = Timestamp.now()
        try await self.write(durability) { connection in
            for (partition, offset) in next {
                try connection.execute(
                    """
                    INSERT INTO journal_offset VALUES (?, ?)
                    ON CONFLICT DO UPDATE SET next = max(next, excluded.next)
                    """,
                    [.int(partition), .int(offset)]
                )
            }
            for key in spent {
                try connection.execute(
                    "INSERT OR IGNORE INTO journal_attempt VALUES (?, ?, ?)",
                    [.text(key.execution.rawValue), .int(key.attempt), .int(now.microseconds)]
                )
            }
        }
    }

    func isSpent(_ key: AttemptKey) -> Bool {
        do {
            return try self.readers.read { connection in
                try connection.first(
                    "SELECT 1 FROM journal_attempt WHERE execution = ? AND attempt = ?",
                    [.text(key.execution.rawValue), .int(key.attempt)]
                ) { $0.int(0) }
            } != nil
        } catch {
            // Not known: then it must not run, for it may have run.
            self.logger.error("The journal cannot be read", metadata: [LogKey.error: "\(error)"])
            return true
        }
    }

    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    func setDraining(_ isDraining: Bool) async throws(BusError) {
        try await self.write(.flushed) { connection in
            let sql =
                isDraining
                ? "INSERT OR IGNORE INTO journal_mark VALUES (?)" : "DELETE FROM journal_mark WHERE name = ?"
            try connection.execute(sql, [.text(Self.drainMark)])
        }
        self.draining.store(isDraining, ordering: .relaxed)
    }

    func stop() async { await self.follower.close() }

    func close() async {
        await self.follower.close()
        await self.writer.close()
    }

    private func write(
        _ durability: Durability,
        _ body: @escaping @Sendable (Connection) throws -> Void
    ) async throws(BusError) {
        do {
            try await self.writer.write(durability: durability == .flushed ? .flushed : .relaxed, body)
        } catch {
            let isRetriable = (error as? SQLiteError)?.isRetriable ?? false
            throw BusError(isRetriable ? .unavailable : .storage, "the node's journal cannot be written", cause: error)
        }
    }
}
