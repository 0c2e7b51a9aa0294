import SQLite
import ServiceKit

extension EmbeddedBus {
    /// Deletes what is past its retention, and in compacted topics what a newer message of its key has replaced.
    ///
    /// Works in small transactions, so that publishers wait for milliseconds at most; consumers go past what is gone.
    /// Ends early, without an error, if the task is cancelled: the next call goes on.
    /// - Parameter now: In milliseconds since 1970; the bus's clock if `nil`.
    /// - Returns: The number of messages deleted.
    @discardableResult
    public func maintain(now: Int64? = nil) async throws(BusError) -> Int {
        let now = now ?? self.configuration.clock()
        var deleted = 0
        for topic in self.topics.withLock({ Array($0.values) }) {
            let configuration = topic.configuration.withLock { $0 }
            do {
                for (number, table) in topic.tables.enumerated() {
                    if let retention = configuration.retention {
                        deleted += try await self.expire(table, before: now - retention.milliseconds)
                    }
                    if configuration.isCompacted {
                        let end = topic.state.withLock { $0.tails[number].end }
                        let compaction = LogCompaction(
                            table: table,
                            end: end,
                            tombstonesBefore: now - configuration.tombstoneGrace.milliseconds,
                            bus: self
                        )
                        deleted += try await compaction.run()
                    }
                }
            } catch {
                throw BusError(error, "cannot clean topic \(topic.name)")
            }
        }
        return deleted
    }

    /// Deletes the oldest messages up to the first that is not older than `time`.
    private func expire(_ table: PartitionTable, before time: Int64) async throws -> Int {
        let batch = self.configuration.cleaningBatch
        var deleted = 0
        while !Task.isCancelled {
            let count = try await self.writer.write(durability: .relaxed) { connection in
                var (count, last) = (0, Int64(-1))
                try connection.forEach(table.selectTimes, [.int(batch)]) { (row: borrowing Row) throws(SQLiteError) in
                    guard row.int64(1) < time else { return false }
                    (count, last) = (count + 1, row.int64(0))
                    return true
                }
                guard count > 0 else { return 0 }
                try connection.execute(table.deleteRange, [.int(last + 1)])
                try table.keepEnd(last + 1, on: connection)
                return count
            }
            deleted += count
            if count < batch { break }
        }
        return deleted
    }
}

extension PartitionTable {
    /// Remembers where the log ended: the message that told may be gone.
    func keepEnd(_ end: Int64, on connection: Connection) throws(SQLiteError) {
        try connection.execute(
            "UPDATE bus_partitions SET least_end = max(least_end, ?) WHERE id = ?",
            [.int(end), .int(self.id)]
        )
    }
}
