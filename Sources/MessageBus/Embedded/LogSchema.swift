import SQLite

/// The tables of the log.
///
/// Messages have a table for each partition: appends go to the end of a tree, the cheapest write there is, and the
/// oldest are deleted from its start. Names start with `bus_`, as others may share the database.
enum LogSchema {
    static let migrations = [
        Migration(
            id: 1,
            sql: """
                CREATE TABLE bus_topics (
                    id INTEGER PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    partitions INTEGER NOT NULL,
                    retention_ms INTEGER,
                    is_compacted INTEGER NOT NULL,
                    tombstone_grace_ms INTEGER NOT NULL
                );
                -- least_end: the end of the log is at least here, whatever was deleted.
                -- cleaned_*: compaction has seen what lies before this end; it left so many messages, and the oldest
                -- tombstone among them is from that time.
                CREATE TABLE bus_partitions (
                    id INTEGER PRIMARY KEY,
                    topic INTEGER NOT NULL REFERENCES bus_topics,
                    number INTEGER NOT NULL,
                    least_end INTEGER NOT NULL DEFAULT 0,
                    cleaned_end INTEGER NOT NULL DEFAULT 0,
                    cleaned_count INTEGER NOT NULL DEFAULT 0,
                    cleaned_tombstone_ms INTEGER,
                    UNIQUE (topic, number)
                );
                CREATE TABLE bus_offsets (
                    consumer_group TEXT NOT NULL,
                    partition INTEGER NOT NULL REFERENCES bus_partitions,
                    next INTEGER NOT NULL,
                    PRIMARY KEY (consumer_group, partition)
                ) WITHOUT ROWID;
                """
        )
    ]
}

/// The table of one partition, and the statements on it.
///
/// Made once: the texts are the keys of each connection's statement cache.
struct PartitionTable: Sendable {
    let id: Int64
    let insert: String
    let select: String
    let selectKeys: String
    let selectTimes: String
    let deleteRange: String
    let deleteOne: String

    init(id: Int64) {
        let name = "bus_messages_\(id)"
        self.id = id
        self.insert = "INSERT INTO \(name) VALUES (?, ?, ?, ?)"
        self.select = """
            SELECT offset, timestamp, key, body FROM \(name) WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?
            """
        self.selectKeys = """
            SELECT offset, timestamp, key, body IS NULL FROM \(name) WHERE offset >= ? AND offset < ?
            ORDER BY offset LIMIT ?
            """
        self.selectTimes = "SELECT offset, timestamp FROM \(name) ORDER BY offset LIMIT ?"
        self.deleteRange = "DELETE FROM \(name) WHERE offset < ?"
        self.deleteOne = "DELETE FROM \(name) WHERE offset = ?"
    }

    static func create(_ id: Int64) -> String {
        """
        CREATE TABLE bus_messages_\(id) (
            offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key TEXT NOT NULL, body BLOB
        )
        """
    }

    static func selectEnd(_ id: Int64) -> String { "SELECT max(offset) + 1 FROM bus_messages_\(id)" }
}
