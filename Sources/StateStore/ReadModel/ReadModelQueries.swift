public import Messages
public import SQLite

/// Reads the gateway's view over a connection of the caller's.
public struct ReadModelQueries {
    private let connection: Connection

    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// One record by its primary key; `nil` if there is none.
    ///
    /// - Throws: ``SQLiteError``, or ``MessageError`` if the row cannot be decoded.
    public func record(_ key: StateKey) throws -> StateRecord? {
        switch key {
        case .template(let id):
            try self.body("SELECT body FROM templates WHERE id = ?", id.rawValue).map {
                .template(try Template(decoding: $0))
            }
        case .session(let id):
            try self.body("SELECT body FROM sessions WHERE id = ?", id.rawValue).map {
                .session(try Session(decoding: $0))
            }
        case .execution(let id):
            try self.body("SELECT body FROM executions WHERE id = ?", id.rawValue)
                .map { .execution(try Execution(decoding: $0)) }
        case .node(let id):
            try self.body("SELECT body FROM nodes WHERE id = ?", id.rawValue).map { .node(try Node(decoding: $0)) }
        case .decision, .claim, .checkpoint: nil
        }
    }

    /// Worker nodes by name.
    public func nodes() throws -> [Node] {
        try self.connection.query("SELECT body FROM nodes ORDER BY id") { $0.blob(0) }.map { try Node(decoding: $0) }
    }

    /// Templates by name.
    public func templates(limit: Int, offset: Int) throws -> [Template] {
        try self.connection.query(
            "SELECT body FROM templates ORDER BY name, id LIMIT ? OFFSET ?",
            [.int(limit), .int(offset)]
        ) { $0.blob(0) }.map { try Template(decoding: $0) }
    }

    /// Sessions, newest first.
    ///
    /// - Parameters:
    ///   - status: Only those in it; `nil` for all.
    ///   - template: Only those made from it; `nil` for all.
    public func sessions(
        status: SessionStatus?,
        template: TemplateID?,
        limit: Int,
        offset: Int
    ) throws -> Page<Session> {
        var conditions: [String] = []
        var values: [SQLiteValue] = []
        if let status {
            conditions.append("status = ?")
            values.append(.int(status.rawValue))
        }
        if let template {
            conditions.append("template_id = ?")
            values.append(.text(template.rawValue))
        }
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return try self.page("FROM sessions\(filter)", values, limit, offset) { try Session(decoding: $0) }
    }

    /// Executions of a session, newest first.
    public func executions(of session: SessionID, limit: Int, offset: Int) throws -> Page<Execution> {
        try self.page("FROM executions WHERE session_id = ?", [.text(session.rawValue)], limit, offset) {
            try Execution(decoding: $0)
        }
    }

    private func page<Item>(
        _ source: String,
        _ values: [SQLiteValue],
        _ limit: Int,
        _ offset: Int,
        decode: ([UInt8]) throws -> Item
    ) throws -> Page<Item> {
        let total = try self.connection.first("SELECT count(*) \(source)", values) { $0.int(0) } ?? 0
        let items = try self.connection.query(
            "SELECT body \(source) ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
            values + [.int(limit), .int(offset)]
        ) { $0.blob(0) }.map(decode)
        return Page(items: items, total: total)
    }

    private func body(_ sql: String, _ id: String) throws(SQLiteError) -> [UInt8]? {
        try self.connection.first(sql, [.text(id)]) { $0.blob(0) }
    }
}
