import SQLite

/// Reads at the start what the log holds.
struct LogLoader {
    let connection: Connection
    let tailBounds: PartitionTail.Bounds

    func topics() throws(SQLiteError) -> [TopicLog] {
        let stored = try self.connection.query(
            "SELECT id, name, partitions, retention_ms, is_compacted, tombstone_grace_ms FROM bus_topics"
        ) { (row: borrowing Row) throws(SQLiteError) in
            let configuration = TopicConfiguration(
                name: row.text(1),
                partitions: row.int(2),
                retention: row.optionalInt64(3).map { .milliseconds($0) },
                isCompacted: row.bool(4),
                tombstoneGrace: .milliseconds(row.int64(5))
            )
            return (id: row.int64(0), configuration: configuration)
        }
        var topics: [TopicLog] = []
        for (id, configuration) in stored { topics.append(try self.topic(id, configuration)) }
        return topics
    }

    func topic(_ id: Int64, _ configuration: TopicConfiguration) throws(SQLiteError) -> TopicLog {
        let partitions = try self.connection.query(
            "SELECT id, least_end FROM bus_partitions WHERE topic = ? ORDER BY number",
            [.int(id)]
        ) { (row: borrowing Row) throws(SQLiteError) in (id: row.int64(0), leastEnd: row.int64(1)) }
        var ends: [Int64] = []
        var groups: [String: [Int64]] = [:]
        for (number, partition) in partitions.enumerated() {
            // NULL, read as 0, for an empty table.
            let end = try self.connection.first(PartitionTable.selectEnd(partition.id)) { $0.int64(0) } ?? 0
            ends.append(max(end, partition.leastEnd))
            try self.connection.forEach(
                "SELECT consumer_group, next FROM bus_offsets WHERE partition = ?",
                [.int(partition.id)]
            ) { (row: borrowing Row) throws(SQLiteError) in
                let none = [Int64](repeating: 0, count: partitions.count)
                groups[row.text(0), default: none][number] = row.int64(1)
                return true
            }
        }
        return TopicLog(
            id: id,
            configuration: configuration,
            tables: partitions.map { PartitionTable(id: $0.id) },
            ends: ends,
            groups: groups,
            tailBounds: self.tailBounds
        )
    }
}
