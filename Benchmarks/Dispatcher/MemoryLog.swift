import MessageBus
import ServiceKit

/// A log in memory, without delay: what is left is the dispatchers' own work.
final class MemoryLog: PartitionOwningBus {
    struct State {
        var topics: [String: [[Delivery]]] = [:]
        var changed = Signal()
        /// Members of the one group, each with the partitions that it owns.
        var members: [[Int]] = []
        var isClosed = false
    }

    let state = Locked(State())
    /// Given everything published to topics that this log does not keep.
    private let other: @Sendable ([OutgoingMessage]) -> Void

    init(other: @escaping @Sendable ([OutgoingMessage]) -> Void) { self.other = other }

    func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError) {
        self.state.withLock { state in
            for topic in topics { state.topics[topic.name] = Array(repeating: [], count: topic.partitions) }
        }
    }

    func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError) { self.append(messages) }

    func append(_ messages: [OutgoingMessage]) {
        var others: [OutgoingMessage] = []
        let changed = self.state.withLock { state in
            for message in messages {
                guard let count = state.topics[message.topic]?.count else {
                    others.append(message)
                    continue
                }
                let partition = message.partition ?? Partitioner.partition(of: message.key, count: count)
                let offset = Int64(state.topics[message.topic]?[partition].count ?? 0)
                state.topics[message.topic]?[partition].append(
                    Delivery(
                        topic: message.topic,
                        partition: partition,
                        offset: offset,
                        timestamp: 0,
                        key: message.key,
                        body: message.body
                    )
                )
            }
            defer { state.changed = Signal() }
            return state.changed
        }
        changed.fire()
        if !others.isEmpty { self.other(others) }
    }

    func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription {
        throw BusError(.unknownTopic, "nothing is subscribed to here")
    }

    func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower {
        try await self.follow(topic, only: Array(0..<self.endOffsets(of: topic).count), from: offsets)
    }

    func follow(
        _ topic: String,
        only partitions: [Int],
        from offsets: [Int: Int64]
    ) async throws(BusError) -> any MessageFollower {
        let positions = Dictionary(uniqueKeysWithValues: partitions.map { ($0, Int(offsets[$0] ?? 0)) })
        return MemoryReader(log: self, positions: [topic: positions], ends: try await self.endOffsets(of: topic))
    }

    func own(_ topics: [String], group: String, member: String) async throws(BusError) -> any PartitionOwnership {
        let partitions = self.state.withLock { $0.members.popLast() } ?? []
        return MemoryOwnership(reader: MemoryReader(log: self, positions: [:], ends: []), partitions: partitions)
    }

    func endOffsets(of topic: String) async throws(BusError) -> [Int64] {
        self.state.withLock { ($0.topics[topic] ?? []).map { Int64($0.count) } }
    }

    func lag(of group: String, on topic: String) async throws(BusError) -> [Int64] { [] }

    func close() {
        let changed = self.state.withLock { state in
            state.isClosed = true
            return state.changed
        }
        changed.fire()
    }
}

/// Reads partitions of a ``MemoryLog`` on its own.
final class MemoryReader: MessageFollower {
    let startEndOffsets: [Int64]
    private let log: MemoryLog
    private let positions: Locked<[String: [Int: Int]]>
    private let caughtUp = Signal()
    private let isClosed = Locked(false)

    /// - Parameter ends: Of the one topic that is read from the beginning; empty for none.
    init(log: MemoryLog, positions: [String: [Int: Int]], ends: [Int64]) {
        self.log = log
        self.positions = Locked(positions)
        self.startEndOffsets = ends
    }

    func begin(_ partition: Int, at offsets: [String: Int64]) {
        self.positions.withLock { positions in
            for (topic, offset) in offsets { positions[topic, default: [:]][partition] = Int(offset) }
        }
        // Whoever waits looks again.
        self.log.append([])
    }

    func next(upTo limit: Int) async throws -> [Delivery] {
        self.noteProgress()
        while true {
            let (found, changed, isOver) = self.log.state.withLock { state in
                (self.take(limit, state.topics), state.changed, state.isClosed || self.isClosed.withLock { $0 })
            }
            if !found.isEmpty || isOver { return found }
            try await changed.wait()
        }
    }

    private func take(_ limit: Int, _ topics: [String: [[Delivery]]]) -> [Delivery] {
        self.positions.withLock { positions in
            var found: [Delivery] = []
            for (topic, partitions) in positions {
                for (partition, position) in partitions where found.count < limit {
                    guard let all = topics[topic]?[partition], position < all.count else { continue }
                    let end = min(all.count, position + limit - found.count)
                    found += all[position..<end]
                    positions[topic]?[partition] = end
                }
            }
            return found
        }
    }

    private func noteProgress() {
        let isThere = self.positions.withLock { positions in
            self.startEndOffsets.isEmpty
                || positions.values.allSatisfy { $0.allSatisfy { $0.value >= Int(self.startEndOffsets[$0.key]) } }
        }
        if isThere { self.caughtUp.fire() }
    }

    func waitUntilCaughtUp() async throws { try await self.caughtUp.wait() }

    func close() async {
        self.isClosed.withLock { $0 = true }
        self.caughtUp.fire()
        self.log.append([])
    }
}

/// Partitions that stay with their owner.
final class MemoryOwnership: PartitionOwnership {
    private let reader: MemoryReader
    private let gained: Locked<[Int]?>

    init(reader: MemoryReader, partitions: [Int]) {
        self.reader = reader
        self.gained = Locked(partitions)
    }

    func next(upTo limit: Int) async throws -> OwnershipEvent? {
        let gained: [Int]? = self.gained.withLock { gained in
            defer { gained = nil }
            return gained
        }
        if let gained { return .gained(gained) }
        let deliveries = try await self.reader.next(upTo: limit)
        return deliveries.isEmpty ? nil : .deliveries(deliveries)
    }

    func begin(_ partition: Int, at offsets: [String: Int64]) async throws(BusError) {
        self.reader.begin(partition, at: offsets)
    }

    func release(_ partitions: [Int]) async {}
    func note(_ next: Int64, of topic: String, partition: Int) {}
    func close() async {}
}
