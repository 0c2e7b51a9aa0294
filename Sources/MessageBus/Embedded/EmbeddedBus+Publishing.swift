public import SQLite
import ServiceKit

extension EmbeddedBus {
    public func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError) {
        let result = await withCheckedContinuation { caller in
            self.publish(messages, durability: durability) { caller.resume(returning: $0) }
        }
        try result.get()
    }

    public func publish(
        _ messages: [OutgoingMessage],
        durability: Durability,
        completion: @escaping @Sendable (Result<Void, BusError>) -> Void
    ) {
        // Here, not on the writer's thread, which everybody waits for.
        let places: [(topic: TopicLog, partition: Int)]
        do throws(BusError) {
            places = try self.places(of: messages)
        } catch {
            completion(.failure(error))
            return
        }
        guard !messages.isEmpty else {
            completion(.success(()))
            return
        }
        self.writer.enqueue(
            durability: durability.ofWriter,
            isSingleStatement: messages.count == 1
        ) { connection in
            if messages.count == 1, places.contains(where: { $0.topic.hasConsumer }) {
                // More than one statement after all.
                try connection.savepoint { _ = try self.append(messages, to: places, on: connection) }
            } else {
                _ = try self.append(messages, to: places, on: connection)
            }
        } completion: { result in
            completion(result.mapError { BusError($0, "cannot publish") })
        }
    }

    @discardableResult
    public func append(_ messages: [OutgoingMessage], on connection: Connection) throws -> PendingAppend {
        let deliveries = try self.append(messages, to: self.places(of: messages), on: connection)
        return PendingAppend(
            positions: deliveries.map { .init(topic: $0.topic, partition: $0.partition, offset: $0.offset) }
        )
    }

    /// Appends, and gives the messages to whoever takes them in the same transaction.
    private func append(
        _ messages: [OutgoingMessage],
        to places: [(topic: TopicLog, partition: Int)],
        on connection: Connection
    ) throws -> [Delivery] {
        let deliveries = try self.pending.append(
            messages,
            to: places,
            timestamp: self.configuration.clock(),
            on: connection
        )
        var rest = deliveries[...]
        while let first = rest.first, let topic = places.dropFirst(deliveries.count - rest.count).first?.topic {
            let run = rest.prefix { $0.topic == first.topic }
            if let consumer = topic.consumer.withLock({ $0 }) { try consumer.consume(Array(run), on: connection) }
            rest = rest.dropFirst(run.count)
        }
        return deliveries
    }

    private func places(of messages: [OutgoingMessage]) throws(BusError) -> [(topic: TopicLog, partition: Int)] {
        var places: [(topic: TopicLog, partition: Int)] = []
        places.reserveCapacity(messages.count)
        for message in messages {
            let topic =
                if let last = places.last?.topic, last.name == message.topic { last } else {
                    try self.topic(message.topic)
                }
            let count = topic.tables.count
            let partition = message.partition ?? Partitioner.partition(of: message.key, count: count)
            guard topic.tables.indices.contains(partition) else {
                throw BusError(.invalidMessage, "topic \(topic.name) has \(count) partitions, none is \(partition)")
            }
            places.append((topic, partition))
        }
        return places
    }
}

extension EmbeddedBus {
    public func attach(
        _ consumer: any InlineConsumer,
        next: [String: [Int: Int64]],
        on connection: Connection
    ) throws(BusError) -> Bool {
        var topics: [TopicLog] = []
        for (name, offsets) in next {
            let topic = try self.topic(name)
            let ends = topic.appendEnds.withLock { $0 }
            guard ends.indices.allSatisfy({ offsets[$0] ?? 0 >= ends[$0] }) else { return false }
            topics.append(topic)
        }
        for topic in topics { topic.consumer.withLock { $0 = consumer } }
        return true
    }

    public func detach(from topics: [String]) {
        for topic in self.topics.withLock({ all in topics.compactMap { all[$0] } }) {
            topic.consumer.withLock { $0 = nil }
        }
    }
}

extension TopicLog {
    var hasConsumer: Bool { self.consumer.withLock { $0 != nil } }
}

extension Durability {
    var ofWriter: SerialWriter.Durability {
        switch self {
        case .flushed: .flushed
        case .relaxed: .relaxed
        }
    }
}
