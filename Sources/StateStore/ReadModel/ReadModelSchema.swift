/// The tables of the read model.
///
/// There are no migrations: everything in it can be had again from the state topic, so a file of another schema is
/// thrown away and filled anew.
enum ReadModelSchema {
    /// Raised with every change of ``sql``.
    static let version = 2

    static let sql = """
        CREATE TABLE templates (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX templates_by_name ON templates (name);
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY, incarnation TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
            status INTEGER NOT NULL, template_id TEXT NOT NULL, body BLOB NOT NULL
        );
        CREATE INDEX sessions_by_age ON sessions (created_at, id);
        CREATE INDEX sessions_by_status ON sessions (status, created_at, id);
        CREATE INDEX sessions_by_template ON sessions (template_id, created_at, id);
        CREATE TABLE executions (
            id TEXT PRIMARY KEY, session_id TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
            is_terminal INTEGER NOT NULL, body BLOB NOT NULL
        );
        CREATE INDEX executions_by_session ON executions (session_id, created_at, id);
        CREATE INDEX executions_open ON executions (session_id, id) WHERE is_terminal = 0;
        CREATE TABLE nodes (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE follow_offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, saved_at INTEGER NOT NULL);
        CREATE TABLE claims (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
        """
}
