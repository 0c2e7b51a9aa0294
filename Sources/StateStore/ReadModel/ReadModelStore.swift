import Glibc
public import Messages
public import SQLite

/// The gateway's view of the system, on disk, with the offsets up to which it has been built.
///
/// Commits are relaxed: a power cut may undo the last ones, and with them their offsets, so that they are built again.
/// Not `Sendable`: it belongs to the thread that writes. Readers have connections of their own, see ``ReadModelQueries``.
public final class ReadModelStore {
    private let connection: Connection
    /// Why the file was made anew though there was one, for a log; `nil` if it was not.
    public let rebuildReason: String?

    /// Opens or creates the file. One that cannot be used is removed and made anew, and ``offsets()`` then says that
    /// everything is to be followed again: one of another schema, a damaged one, one of another log, and one so old
    /// that the log may have forgotten what was deleted since.
    ///
    /// - Parameters:
    ///   - ends: The ends of the followed topic's partitions: an offset beyond one is of another log.
    ///   - oldest: The file must have been written to since.
    /// - Throws: ``SQLiteError`` when a new file cannot be made either.
    public init(path: String, ends: [Int64], oldest: Timestamp) throws {
        do {
            let connection = try Self.open(path)
            try Self.check(connection, ends: ends, oldest: oldest)
            self.connection = connection
            self.rebuildReason = nil
        } catch let error as SQLiteError where !error.isRetriable {
            try Self.remove(path)
            self.connection = try Self.open(path)
            self.rebuildReason = error.message
        }
    }

    private static func check(_ connection: Connection, ends: [Int64], oldest: Timestamp) throws(SQLiteError) {
        let rows = try connection.query("SELECT partition, next, saved_at FROM follow_offsets") { row in
            (partition: row.int(0), next: row.int64(1), savedAt: row.int64(2))
        }
        for row in rows where row.partition >= ends.count || row.next > ends[row.partition] {
            throw SQLiteError(.other, "it was built from another log")
        }
        if let newest = rows.map(\.savedAt).max(), newest < oldest.microseconds {
            throw SQLiteError(.other, "it is too old to be continued")
        }
    }

    private static func remove(_ path: String) throws(SQLiteError) {
        for suffix in ["", "-wal", "-shm"] where unlink(path + suffix) != 0 && errno != ENOENT {
            throw SQLiteError(.io, "cannot remove \(path)\(suffix): \(String(cString: strerror(errno)))")
        }
    }

    private static func open(_ path: String) throws -> Connection {
        let connection = try Connection(path: path)
        let version = try connection.first("PRAGMA user_version") { $0.int(0) } ?? 0
        switch version {
        case ReadModelSchema.version:
            guard try connection.first("PRAGMA quick_check(1)", read: { $0.text(0) }) == "ok" else {
                throw SQLiteError(.other, "\(path) is damaged")
            }
        case 0:
            try connection.transaction {
                try connection.run(ReadModelSchema.sql)
                try connection.run("PRAGMA user_version = \(ReadModelSchema.version)")
            }
        default: throw SQLiteError(.other, "\(path) has schema \(version), this program has \(ReadModelSchema.version)")
        }
        try connection.run("PRAGMA synchronous=NORMAL")
        return connection
    }

    /// The next offset to apply, by partition; empty for a new file.
    public func offsets() throws(SQLiteError) -> [Int: Int64] {
        let rows = try self.connection.query("SELECT partition, next FROM follow_offsets") { row in
            (row.int(0), row.int64(1))
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// The newest claim of each partition that has one, by its offset.
    public func claims() throws(SQLiteError) -> [Int: Int64] {
        let rows = try self.connection.query("SELECT partition, epoch FROM claims") { ($0.int(0), $0.int64(1)) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// Executions that have not ended, with their sessions.
    public func openExecutions() throws(SQLiteError) -> [(execution: ExecutionID, session: SessionID)] {
        try self.connection.query("SELECT id, session_id FROM executions WHERE is_terminal = 0") { row in
            (ExecutionID(row.text(0)), SessionID(row.text(1)))
        }
    }

    /// Applies changes and offsets, all of it or nothing. An older record of the same thing does not replace a newer one.
    ///
    /// - Parameter claims: The newest claim of partitions that have one, by its offset.
    public func apply(
        _ changes: [ReadModelChange],
        offsets: [Int: Int64],
        claims: [Int: Int64] = [:],
        now: Timestamp
    ) throws {
        try self.connection.transaction {
            for (partition, epoch) in claims {
                try self.connection.execute(
                    "INSERT INTO claims VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
                    [.int(partition), .int(epoch)]
                )
            }
            for change in changes { try self.apply(change) }
            for (partition, next) in offsets {
                try self.connection.execute(
                    """
                    INSERT INTO follow_offsets VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET next = excluded.next, saved_at = excluded.saved_at
                    """,
                    [.int(partition), .int(next), .int(now.microseconds)]
                )
            }
        }
    }

    private func apply(_ change: ReadModelChange) throws(SQLiteError) {
        switch change.record {
        case .template(let template): try self.put(template)
        case .session(let session): try self.put(session)
        case .execution(let execution): try self.put(execution)
        case .node(let node):
            try self.connection.execute(
                "INSERT INTO nodes VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                [.text(node.heartbeat.node.rawValue), .blob(node.encoded())]
            )
        case .decision, .claim, .checkpoint: break
        case nil: try self.remove(change.key)
        }
    }

    private func put(_ template: Template) throws(SQLiteError) {
        try self.connection.execute(
            """
            INSERT INTO templates VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET name = excluded.name, body = excluded.body
            """,
            [.text(template.id.rawValue), .text(template.name), .blob(template.encoded())]
        )
    }

    private func put(_ session: Session) throws(SQLiteError) {
        try self.connection.execute(
            """
            INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET incarnation = excluded.incarnation, version = excluded.version,
                created_at = excluded.created_at, status = excluded.status, template_id = excluded.template_id,
                body = excluded.body
            WHERE excluded.incarnation != incarnation OR excluded.version >= version
            """,
            [
                .text(session.spec.id.rawValue), .text(session.spec.incarnation.rawValue), .int(session.version),
                .int(session.spec.createdAt.microseconds), .int(session.status.rawValue),
                .text(session.spec.templateID.rawValue), .blob(session.encoded()),
            ]
        )
    }

    private func put(_ execution: Execution) throws(SQLiteError) {
        try self.connection.execute(
            """
            INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET version = excluded.version, is_terminal = excluded.is_terminal, body = excluded.body
            WHERE excluded.version >= version
            """,
            [
                .text(execution.spec.id.rawValue), .text(execution.spec.session.rawValue), .int(execution.version),
                .int(execution.spec.createdAt.microseconds), .bool(execution.status.isTerminal),
                .blob(execution.encoded()),
            ]
        )
    }

    private func remove(_ key: StateKey) throws(SQLiteError) {
        switch key {
        case .template(let id):
            try self.connection.execute("DELETE FROM templates WHERE id = ?", [.text(id.rawValue)])
        case .session(let id):
            try self.connection.execute("DELETE FROM sessions WHERE id = ?", [.text(id.rawValue)])
        case .execution(let id):
            try self.connection.execute("DELETE FROM executions WHERE id = ?", [.text(id.rawValue)])
        case .node(let id):
            try self.connection.execute("DELETE FROM nodes WHERE id = ?", [.text(id.rawValue)])
        case .decision, .claim, .checkpoint: break
        }
    }
}
