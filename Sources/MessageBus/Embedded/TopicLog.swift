import SQLite
import ServiceKit

/// One topic of the embedded bus: its tables, and who takes its messages.
final class TopicLog: Sendable {
    let id: Int64
    let name: String
    let tables: [PartitionTable]
    let configuration: Locked<TopicConfiguration>
    let state: Locked<TopicStateMachine>
    /// The next offset of each partition, uncommitted ones counted. Only the writer's thread moves it.
    let appendEnds: Locked<[Int64]>
    /// Takes what is appended in the same transaction. Set on the writer's thread.
    let consumer = Locked<(any InlineConsumer)?>(nil)

    init(
        id: Int64,
        configuration: TopicConfiguration,
        tables: [PartitionTable],
        ends: [Int64],
        groups: [String: [Int64]],
        tailBounds: PartitionTail.Bounds
    ) {
        self.id = id
        self.name = configuration.name
        self.tables = tables
        self.configuration = Locked(configuration)
        self.state = Locked(TopicStateMachine(ends: ends, groups: groups, tailBounds: tailBounds))
        self.appendEnds = Locked(ends)
    }

    /// Changes the state under the lock, and then answers whoever can go on.
    func update(_ body: (inout TopicStateMachine) -> [Resumption]) {
        for resume in self.state.withLock(body) { resume() }
    }

    /// Where `group` is, by partition.
    func committed(_ group: String) -> [Int64] {
        self.state.withLock { state in
            state.groups.first { $0.name == group }?.partitions.map(\.committed) ?? state.tails.map { _ in 0 }
        }
    }
}

extension PartitionTable {
    /// Reads messages, fewer than wanted once they are more than `maximumBytes`, but at least one.
    func read(
        _ read: LogRead,
        of topic: String,
        maximumBytes: Int,
        on connection: Connection
    ) throws(SQLiteError) -> LogChunk {
        var deliveries: [Delivery] = []
        var bytes = 0
        let values: [SQLiteValue] = [.int(read.start), .int(read.end), .int(read.limit)]
        try connection.forEach(self.select, values) { (row: borrowing Row) throws(SQLiteError) in
            let delivery = Delivery(
                topic: topic,
                partition: read.partition,
                offset: row.int64(0),
                timestamp: row.int64(1),
                key: row.text(2),
                body: row.optionalBlob(3)
            )
            deliveries.append(delivery)
            bytes += delivery.size
            return bytes < maximumBytes
        }
        let isComplete = deliveries.count < read.limit && bytes < maximumBytes
        return LogChunk(
            deliveries: deliveries,
            end: isComplete ? read.end : (deliveries.last?.offset ?? read.end - 1) + 1
        )
    }
}
