public import SQLite

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
            _ = try self.pending.append(
                messages,
                to: places,
                timestamp: self.configuration.clock(),
                on: connection
            )
        } completion: { result in
            completion(result.mapError { BusError($0, "cannot publish") })
        }
    }

    @discardableResult
    public func append(_ messages: [OutgoingMessage], on connection: Connection) throws -> PendingAppend {
        try self.pending.append(
            messages,
            to: self.places(of: messages),
            timestamp: self.configuration.clock(),
            on: connection
        )
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

extension Durability {
    var ofWriter: SerialWriter.Durability {
        switch self {
        case .flushed: .flushed
        case .relaxed: .relaxed
        }
    }
}
