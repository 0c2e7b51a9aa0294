internal import SQLite

extension DispatcherStore {
    static let migrations = [
        Migration(
            id: 1,
            sql: """
                CREATE TABLE dispatcher_template (id TEXT PRIMARY KEY, record BLOB NOT NULL);
                CREATE TABLE dispatcher_session (
                    id TEXT PRIMARY KEY,
                    partition INTEGER NOT NULL,
                    is_active INTEGER NOT NULL,
                    record BLOB NOT NULL
                );
                CREATE INDEX dispatcher_session_active ON dispatcher_session (is_active) WHERE is_active = 1;
                -- The row id keeps the order of acceptance.
                CREATE TABLE dispatcher_execution (
                    id TEXT PRIMARY KEY,
                    session TEXT NOT NULL,
                    partition INTEGER NOT NULL,
                    ended_at INTEGER,
                    record BLOB NOT NULL
                );
                CREATE INDEX dispatcher_execution_session ON dispatcher_execution (session);
                CREATE INDEX dispatcher_execution_active ON dispatcher_execution (ended_at) WHERE ended_at IS NULL;
                CREATE INDEX dispatcher_execution_ended ON dispatcher_execution (ended_at) WHERE ended_at IS NOT NULL;
                CREATE TABLE dispatcher_offset (
                    topic TEXT NOT NULL,
                    partition INTEGER NOT NULL,
                    next INTEGER NOT NULL,
                    PRIMARY KEY (topic, partition)
                );
                CREATE TABLE dispatcher_node (id TEXT PRIMARY KEY, capacity INTEGER NOT NULL);
                CREATE TABLE dispatcher_mark (name TEXT PRIMARY KEY);
                """
        )
    ]
}
