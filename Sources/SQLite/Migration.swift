/// One step of a schema, applied once and never edited after a release.
public struct Migration: Sendable {
    /// 1 for the first, each one more than the one before.
    public var id: Int
    /// Statements separated by semicolons.
    public var sql: String

    public init(id: Int, sql: String) {
        self.id = id
        self.sql = sql
    }
}

extension Connection {
    /// Brings the schema to the last of `migrations`, all of it or nothing.
    ///
    /// May be called in a transaction. The version is kept in a table, per `component`: several parts of the program may live in one database.
    /// - Throws: ``SQLiteError``, `newerSchema` if the database knows a migration that this program does not.
    public func migrate(_ component: String, _ migrations: [Migration]) throws {
        precondition(
            migrations.indices.allSatisfy { migrations[$0].id == $0 + 1 },
            "ids go up from 1 without a gap"
        )
        try self.whole {
            try self.run(
                "CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
            let current =
                try self.first("SELECT version FROM schema_version WHERE component = ?", [.text(component)]) {
                    $0.int(0)
                }
                ?? 0
            guard current <= migrations.count else {
                throw SQLiteError(
                    .newerSchema,
                    "\(self.path): \(component) has schema \(current), this program knows \(migrations.count); use a newer program"
                )
            }
            guard current < migrations.count else { return }
            for migration in migrations[current...] { try self.run(migration.sql) }
            try self.execute(
                "INSERT INTO schema_version VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
                [.text(component), .int(migrations.count)]
            )
        }
    }

    private func whole(_ body: () throws -> Void) throws {
        if self.isInTransaction { try self.savepoint(body) } else { try self.transaction(body) }
    }
}
