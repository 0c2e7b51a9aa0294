import SQLite

/// Leaves only the newest message of each key in one partition.
///
/// As Kafka does it: the newest offset of each key is collected from what was written since the last time, then older
/// messages of these keys are looked for from the start. Appends pay nothing for it. Reads happen on the reader's thread,
/// deletions in small transactions, the oldest first: a value is never left without the tombstone that deletes it.
struct LogCompaction: Sendable {
    let table: PartitionTable
    /// What lies before is committed.
    let end: Int64
    /// Tombstones of an earlier time go, in milliseconds since 1970.
    let tombstonesBefore: Int64
    let bus: EmbeddedBus

    /// Bounds the memory of a pass.
    private static let keysOfAPass = 100_000
    /// Rows of a read: long reads would keep the write-ahead log from being reset.
    private static let rowsOfARead = 2_000

    private struct Progress: Sendable {
        var end: Int64
        var count: Int64
        var oldestTombstone: Int64?
    }

    private struct Entry: Sendable {
        var offset: Int64
        var timestamp: Int64
        var key: String
        var isTombstone: Bool
    }

    /// Returns the number of messages deleted.
    func run() async throws -> Int {
        var progress = try await self.progress()
        let dirty = Double(self.end - progress.end)
        let isDirty = dirty > 0 && dirty / (dirty + Double(progress.count)) >= self.bus.configuration.minimumDirtyRatio
        let hasExpired = progress.oldestTombstone.map { $0 < self.tombstonesBefore } ?? false
        guard isDirty || hasExpired else { return 0 }
        var deleted = 0
        repeat {
            let (newest, passEnd) = try await self.newestOffsets(from: progress.end)
            guard let (count, next) = try await self.clean(newest, to: passEnd) else { break }
            deleted += count
            progress = next
        } while progress.end < self.end
        return deleted
    }

    private func progress() async throws -> Progress {
        try await self.bus.reader.read { connection in
            let row = try connection.first(
                "SELECT cleaned_end, cleaned_count, cleaned_tombstone_ms FROM bus_partitions WHERE id = ?",
                [.int(self.table.id)]
            ) { (row: borrowing Row) throws(SQLiteError) in
                Progress(end: row.int64(0), count: row.int64(1), oldestTombstone: row.optionalInt64(2))
            }
            return row ?? Progress(end: 0, count: 0)
        }
    }

    private func entries(from start: Int64, to end: Int64) async throws -> [Entry] {
        try await self.bus.reader.read { connection in
            let values: [SQLiteValue] = [.int(start), .int(end), .int(Self.rowsOfARead)]
            return try connection.query(self.table.selectKeys, values) { (row: borrowing Row) throws(SQLiteError) in
                Entry(offset: row.int64(0), timestamp: row.int64(1), key: row.text(2), isTombstone: row.bool(3))
            }
        }
    }

    /// The newest offset of each key written from `start` on, and how far that was looked at.
    private func newestOffsets(from start: Int64) async throws -> ([String: Int64], end: Int64) {
        var newest: [String: Int64] = [:]
        var start = start
        while start < self.end, newest.count < Self.keysOfAPass {
            let entries = try await self.entries(from: start, to: self.end)
            for entry in entries { newest[entry.key] = entry.offset }
            start = entries.count < Self.rowsOfARead ? self.end : (entries.last?.offset ?? self.end) + 1
        }
        return (newest, start)
    }

    /// Deletes what is replaced before `end`; `nil` if the task was cancelled before that was done.
    private func clean(_ newest: [String: Int64], to end: Int64) async throws -> (deleted: Int, progress: Progress)? {
        var progress = Progress(end: end, count: 0)
        var (deleted, start) = (0, Int64(0))
        while start < end {
            if Task.isCancelled { return nil }
            let entries = try await self.entries(from: start, to: end)
            start = entries.count < Self.rowsOfARead ? end : (entries.last?.offset ?? end) + 1
            var obsolete: [Int64] = []
            for entry in entries {
                let isReplaced = newest[entry.key].map { entry.offset < $0 } ?? false
                if isReplaced || (entry.isTombstone && entry.timestamp < self.tombstonesBefore) {
                    obsolete.append(entry.offset)
                    continue
                }
                progress.count += 1
                if entry.isTombstone {
                    progress.oldestTombstone = min(progress.oldestTombstone ?? .max, entry.timestamp)
                }
            }
            try await self.delete(obsolete)
            deleted += obsolete.count
        }
        try await self.save(progress)
        return (deleted, progress)
    }

    private func delete(_ offsets: [Int64]) async throws {
        var rest = offsets[...]
        while let last = rest.prefix(self.bus.configuration.cleaningBatch).last {
            let batch = rest.prefix(self.bus.configuration.cleaningBatch)
            try await self.bus.writer.write(durability: .relaxed) { connection in
                for offset in batch { try connection.execute(self.table.deleteOne, [.int(offset)]) }
                try self.table.keepEnd(last + 1, on: connection)
            }
            rest = rest.dropFirst(batch.count)
        }
    }

    private func save(_ progress: Progress) async throws {
        try await self.bus.writer.write(durability: .relaxed) { connection in
            try connection.execute(
                """
                UPDATE bus_partitions SET cleaned_end = ?, cleaned_count = ?, cleaned_tombstone_ms = ? WHERE id = ?
                """,
                [.int(progress.end), .int(progress.count), .int(progress.oldestTombstone), .int(self.table.id)]
            )
        }
    }
}
