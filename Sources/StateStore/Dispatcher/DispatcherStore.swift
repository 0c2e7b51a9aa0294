public import Messages
public import SQLite

/// What a dispatcher remembers: the newest record of every template, session and execution of its partitions, and how far
/// it has consumed the log.
///
/// All methods run on the writer's thread, within the transaction that also holds what was published: state, offsets and
/// outgoing records are one.
public struct DispatcherStore: Sendable {
    public init() {}

    /// Brings the tables to this version.
    public func prepare(_ connection: Connection) throws {
        try connection.migrate("dispatcher", Self.migrations)
    }

    // MARK: Records

    /// Keeps a record, as the bytes that are published too: they are encoded once.
    public func save(_ record: StateRecord, encoded: [UInt8], partition: Int, on connection: Connection) throws {
        switch record {
        case .template(let template):
            try connection.execute(
                "INSERT INTO dispatcher_template (id, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record",
                [.text(template.id.rawValue), .blob(encoded)]
            )
        case .session(let session):
            try connection.execute(
                """
                INSERT INTO dispatcher_session (id, partition, is_active, record) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET is_active = excluded.is_active, record = excluded.record
                """,
                [
                    .text(session.spec.id.rawValue), .int(partition), .bool(session.status.isActive), .blob(encoded),
                ]
            )
        case .execution(let execution):
            try connection.execute(
                """
                INSERT INTO dispatcher_execution (id, session, partition, ended_at, record) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET ended_at = excluded.ended_at, record = excluded.record
                """,
                [
                    .text(execution.spec.id.rawValue), .text(execution.spec.session.rawValue), .int(partition),
                    .int(execution.status.isTerminal ? (execution.completedAt?.microseconds ?? 0) : nil),
                    .blob(encoded),
                ]
            )
        case .decision, .node, .claim, .checkpoint: break
        }
    }

    public func forget(_ key: StateKey, on connection: Connection) throws {
        switch key {
        case .template(let id):
            try connection.execute("DELETE FROM dispatcher_template WHERE id = ?", [.text(id.rawValue)])
        case .session(let id):
            try connection.execute("DELETE FROM dispatcher_session WHERE id = ?", [.text(id.rawValue)])
        case .execution(let id):
            try connection.execute("DELETE FROM dispatcher_execution WHERE id = ?", [.text(id.rawValue)])
        case .decision, .node, .claim, .checkpoint: break
        }
    }

    /// Forgets everything of a partition but the templates.
    public func forget(partition: Int, on connection: Connection) throws {
        for table in ["dispatcher_session", "dispatcher_execution", "dispatcher_offset"] {
            try connection.execute("DELETE FROM \(table) WHERE partition = ?", [.int(partition)])
        }
    }

    public func forgetTemplates(on connection: Connection) throws {
        try connection.execute("DELETE FROM dispatcher_template")
    }

    public func session(_ id: SessionID, on connection: Connection) throws -> Session? {
        let bytes = try connection.first(
            "SELECT record FROM dispatcher_session WHERE id = ?",
            [.text(id.rawValue)]
        ) { $0.blob(0) }
        guard let bytes, case .session(let session) = try Self.decode(bytes) else { return nil }
        return session
    }

    public func execution(_ id: ExecutionID, on connection: Connection) throws -> Execution? {
        let bytes = try connection.first(
            "SELECT record FROM dispatcher_execution WHERE id = ?",
            [.text(id.rawValue)]
        ) { $0.blob(0) }
        guard let bytes, case .execution(let execution) = try Self.decode(bytes) else { return nil }
        return execution
    }

    /// The session's executions, ended or not.
    public func executions(of id: SessionID, on connection: Connection) throws -> [ExecutionID] {
        try connection.query("SELECT id FROM dispatcher_execution WHERE session = ?", [.text(id.rawValue)]) {
            ExecutionID($0.text(0))
        }
    }

    /// Executions that ended before the moment, at most `limit`, with their partitions.
    public func executions(
        endedBefore moment: Timestamp,
        limit: Int,
        on connection: Connection
    ) throws -> [(id: ExecutionID, partition: Int)] {
        try connection.query(
            "SELECT id, partition FROM dispatcher_execution WHERE ended_at < ? LIMIT ?",
            [.int(moment.microseconds), .int(limit)]
        ) { (ExecutionID($0.text(0)), $0.int(1)) }
    }

    // MARK: Loading

    public func templates(on connection: Connection) throws -> [Template] {
        let rows = try connection.query("SELECT record FROM dispatcher_template") { $0.blob(0) }
        return try rows.compactMap { bytes in
            if case .template(let template) = try Self.decode(bytes) { template } else { nil }
        }
    }

    /// Sessions that are not over, with their partitions.
    public func activeSessions(on connection: Connection) throws -> [(session: Session, partition: Int)] {
        let rows = try connection.query(
            "SELECT record, partition FROM dispatcher_session WHERE is_active = 1 ORDER BY rowid"
        ) { ($0.blob(0), $0.int(1)) }
        return try rows.compactMap { bytes, partition in
            if case .session(let session) = try Self.decode(bytes) { (session, partition) } else { nil }
        }
    }

    /// Calls `body` with each execution that is not over, in order of acceptance.
    public func forEachActiveExecution(on connection: Connection, _ body: (Execution) -> Void) throws {
        let ids = try connection.query(
            "SELECT id FROM dispatcher_execution WHERE ended_at IS NULL ORDER BY rowid"
        ) { ExecutionID($0.text(0)) }
        // One record at a time: together they may be larger than memory.
        for id in ids {
            if let execution = try self.execution(id, on: connection) { body(execution) }
        }
    }

    public func save(_ node: NodeID, capacity: Int, on connection: Connection) throws {
        try connection.execute(
            """
            INSERT INTO dispatcher_node (id, capacity) VALUES (?, ?)
            ON CONFLICT DO UPDATE SET capacity = excluded.capacity
            """,
            [.text(node.rawValue), .int(capacity)]
        )
    }

    /// The nodes that have reported, with the sandboxes they can hold.
    public func nodes(on connection: Connection) throws -> [(id: NodeID, capacity: Int)] {
        try connection.query("SELECT id, capacity FROM dispatcher_node") { (NodeID($0.text(0)), $0.int(1)) }
    }

    // MARK: Consumption

    /// The first offset of each partition of a topic that was not consumed.
    public func offsets(of topic: String, on connection: Connection) throws -> [Int: Int64] {
        let rows = try connection.query(
            "SELECT partition, next FROM dispatcher_offset WHERE topic = ?",
            [.text(topic)]
        ) { ($0.int(0), $0.int64(1)) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    public func setOffset(_ next: Int64, of topic: String, partition: Int, on connection: Connection) throws {
        try connection.execute(
            """
            INSERT INTO dispatcher_offset (topic, partition, next) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET next = excluded.next
            """,
            [.text(topic), .int(partition), .int(next)]
        )
    }

    /// Sets the mark, once.
    /// - Returns: Whether it was not set before.
    public func mark(_ name: String, on connection: Connection) throws -> Bool {
        try connection.execute("INSERT OR IGNORE INTO dispatcher_mark (name) VALUES (?)", [.text(name)])
        return connection.changes > 0
    }

    private static func decode(_ bytes: [UInt8]) throws(MessageError) -> StateRecord {
        try Envelope<StateRecord>(decoding: bytes).payload
    }
}
