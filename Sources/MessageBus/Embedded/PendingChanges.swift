import SQLite
import ServiceKit

/// What the open transaction will have done to the log, for memory to follow once it is committed.
///
/// Only the writer's thread works on it. Each part is undone along with the savepoint that it belongs to.
final class PendingChanges: Sendable {
    private struct Append: Sendable {
        var topic: TopicLog
        var delivery: Delivery
    }

    private struct Settlement: Sendable {
        var topic: TopicLog
        var group: Int
        var partition: Int
        var offsets: Set<Int64>
    }

    private struct State: Sendable {
        var appends: [Append] = []
        var settlements: [Settlement] = []
    }

    private let state = Locked(State())

    // MARK: Appending

    /// Writes messages, and hands them to consumers after the commit.
    func append(
        _ messages: [OutgoingMessage],
        to places: [(topic: TopicLog, partition: Int)],
        timestamp: Int64,
        on connection: Connection
    ) throws(SQLiteError) -> [Delivery] {
        var result: [Delivery] = []
        result.reserveCapacity(messages.count)
        self.willChange(connection)
        for (message, (topic, partition)) in zip(messages, places) {
            let offset = topic.appendEnds.withLock { $0[partition] }
            try connection.execute(
                topic.tables[partition].insert,
                [.int(offset), .int(timestamp), .text(message.key), .blob(message.body)]
            )
            topic.appendEnds.withLock { $0[partition] = offset + 1 }
            let delivery = Delivery(
                topic: topic.name,
                partition: partition,
                offset: offset,
                timestamp: timestamp,
                key: message.key,
                body: message.body
            )
            self.state.withLock { $0.appends.append(Append(topic: topic, delivery: delivery)) }
            result.append(delivery)
        }
        return result
    }

    // MARK: Settling

    /// Settles deliveries; their group's offsets are written once for the whole transaction, at its end.
    func settle(_ deliveries: [Delivery], of topic: TopicLog, group: Int, on connection: Connection) {
        var offsets: [Int: Set<Int64>] = [:]
        for delivery in deliveries { offsets[delivery.partition, default: []].insert(delivery.offset) }
        self.willChange(connection)
        self.state.withLock { state in
            for (partition, offsets) in offsets {
                state.settlements.append(
                    Settlement(topic: topic, group: group, partition: partition, offsets: offsets)
                )
            }
        }
    }

    // MARK: The end of the transaction

    private func willChange(_ connection: Connection) {
        let (appends, settlements) = self.state.withLock { ($0.appends.count, $0.settlements.count) }
        connection.afterRollback { self.undo(appends: appends, settlements: settlements) }
        // Those of an earlier change in this transaction do for all that follow. They are forgotten only along with it.
        guard appends == 0, settlements == 0 else { return }
        connection.beforeCommit { try self.writeOffsets(connection) }
        connection.afterCommit { self.publish() }
    }

    private func undo(appends: Int, settlements: Int) {
        let undone = self.state.withLock { state in
            defer {
                state.appends.removeSubrange(appends...)
                state.settlements.removeSubrange(settlements...)
            }
            return state.appends[appends...]
        }
        for append in undone.reversed() {
            append.topic.appendEnds.withLock { $0[append.delivery.partition] = append.delivery.offset }
        }
    }

    private func writeOffsets(_ connection: Connection) throws(SQLiteError) {
        for settlement in Self.merged(self.state.withLock { $0.settlements }) {
            let (name, next) = settlement.topic.state.withLock { state in
                let group = state.groups[settlement.group]
                let partition = group.partitions[settlement.partition]
                return (group.name, partition.committed(afterSettling: settlement.offsets))
            }
            try connection.execute(
                """
                INSERT INTO bus_offsets VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET next = excluded.next WHERE next < excluded.next
                """,
                [.text(name), .int(settlement.topic.tables[settlement.partition].id), .int(next)]
            )
        }
    }

    private func publish() {
        let state = self.state.withLock { state in
            defer { state = State() }
            return state
        }
        for (topic, deliveries) in Self.byTopic(state.appends) { topic.update { $0.append(deliveries) } }
        for settlement in Self.merged(state.settlements) {
            settlement.topic.update {
                $0.settle(settlement.offsets, of: settlement.partition, in: settlement.group)
            }
        }
    }

    private static func byTopic(_ appends: [Append]) -> [(TopicLog, [Delivery])] {
        var result: [(TopicLog, [Delivery])] = []
        for append in appends {
            // A handful of topics at most.
            if let index = result.firstIndex(where: { $0.0 === append.topic }) {
                result[index].1.append(append.delivery)
            } else {
                result.append((append.topic, [append.delivery]))
            }
        }
        return result
    }

    private static func merged(_ settlements: [Settlement]) -> [Settlement] {
        guard settlements.count > 1 else { return settlements }
        struct Place: Hashable {
            var topic: ObjectIdentifier
            var group: Int
            var partition: Int
        }
        var result: [Place: Settlement] = [:]
        for settlement in settlements {
            let place = Place(
                topic: ObjectIdentifier(settlement.topic),
                group: settlement.group,
                partition: settlement.partition
            )
            result[place, default: settlement].offsets.formUnion(settlement.offsets)
        }
        return Array(result.values)
    }
}
