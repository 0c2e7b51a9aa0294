import SQLite
import ServiceKit

extension EmbeddedBus {
    public func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError) {
        for topic in topics {
            guard topic.partitions > 0, !topic.name.isEmpty else {
                throw BusError(.invalidMessage, "a topic has a name and at least one partition: \(topic)")
            }
        }
        do {
            try await self.writer.write { connection in
                for topic in topics { try self.ensure(topic, on: connection) }
            }
        } catch {
            throw BusError(error, "cannot create topics")
        }
    }

    private func ensure(_ wanted: TopicConfiguration, on connection: Connection) throws {
        let settings: [SQLiteValue] = [
            .int(wanted.retention?.milliseconds), .bool(wanted.isCompacted), .int(wanted.tombstoneGrace.milliseconds),
        ]
        let known = try connection.first(
            "SELECT id, partitions FROM bus_topics WHERE name = ?",
            [.text(wanted.name)]
        ) { (row: borrowing Row) throws(SQLiteError) in (id: row.int64(0), partitions: row.int(1)) }
        if let known {
            guard known.partitions == wanted.partitions else {
                throw BusError(
                    .partitionMismatch,
                    "topic \(wanted.name) has \(known.partitions) partitions, not \(wanted.partitions)"
                )
            }
            try connection.execute(
                "UPDATE bus_topics SET retention_ms = ?, is_compacted = ?, tombstone_grace_ms = ? WHERE id = ?",
                settings + [.int(known.id)]
            )
            connection.afterCommit {
                self.topics.withLock { $0[wanted.name] }?.configuration.withLock { $0 = wanted }
            }
            return
        }
        let id = try connection.insert(
            "INSERT INTO bus_topics VALUES (NULL, ?, ?, ?, ?, ?) RETURNING id",
            [.text(wanted.name), .int(wanted.partitions)] + settings
        )
        for number in 0..<wanted.partitions {
            let partition = try connection.insert(
                "INSERT INTO bus_partitions (topic, number) VALUES (?, ?) RETURNING id",
                [.int(id), .int(number)]
            )
            try connection.run(PartitionTable.create(partition))
        }
        let bounds = PartitionTail.Bounds(count: self.configuration.tailCount, bytes: self.configuration.tailBytes)
        let topic = try LogLoader(connection: connection, tailBounds: bounds).topic(id, wanted)
        connection.afterCommit { self.topics.withLock { $0[wanted.name] = topic } }
    }
}

extension Connection {
    fileprivate func insert(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) -> Int64 {
        var id: Int64 = 0
        try self.forEach(sql, values) { (row: borrowing Row) throws(SQLiteError) in
            id = row.int64(0)
            return true
        }
        return id
    }
}

extension Duration {
    /// Whole milliseconds; the most an `Int64` holds where it is more.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).partialValue
    }
}
