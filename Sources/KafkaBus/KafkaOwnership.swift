internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// An owner of partitions of several topics.
///
/// The group shares out the partitions of one topic; who has number *n* of it reads number *n* of all topics, through a
/// client of its own that belongs to no group, from the offsets that the owner keeps.
final class KafkaOwnership: PartitionOwnership {
    private enum Element: Sendable {
        case event(OwnershipEvent)
        case delivery(Delivery)
        case failure(BusError)
    }

    private struct State: Sendable {
        var holdings = Holdings()
        /// Revocations whose partitions are not all released.
        var leaving: [(partitions: Set<Int>, entries: [PartitionList.Entry])] = []
        var lastCommit = ContinuousClock.now
    }

    /// Beyond this, the brokers keep what comes.
    private static let bufferedMessages = 20_000

    /// Names in Kafka by those of the caller.
    private let topics: [String: String]
    private let member: GroupMember
    private let reader: KafkaConsumer
    private let calls: CallThreads
    private let inbox: Inbox<Element>
    private let state: Locked<State>

    init(
        _ configuration: KafkaBusConfiguration,
        topics: [String: String],
        leading: String,
        group: String,
        member name: String,
        logger: Logger
    ) throws(BusError) {
        let (inbox, state) = (Inbox<Element>(), Locked(State()))
        (self.topics, self.inbox, self.state) = (topics, inbox, state)
        let names = Dictionary(uniqueKeysWithValues: topics.map { ($0.value, $0.key) })
        self.calls = try CallThreads(count: 1)
        let reader = try KafkaConsumer(.consumer(configuration, group: group + "-reader"))
        self.reader = reader
        try reader.start(receive: { found in
            inbox.add(found.compactMap { Self.element($0, names) })
            if inbox.count > Self.bufferedMessages { inbox.waitForRoom(Self.bufferedMessages / 2) }
        })
        self.member = try GroupMember(
            .member(configuration, group: group, instance: name),
            topic: leading,
            handlers: GroupMember.Handlers(
                assigned: { entries in
                    let partitions = entries.map(\.partition).sorted()
                    if !partitions.isEmpty {
                        state.withLock { $0.holdings.gain(partitions) }
                        inbox.add([.event(.gained(partitions))])
                    }
                    // Nothing is read through the group.
                    return entries.map {
                        PartitionList.Entry(
                            topic: $0.topic,
                            partition: $0.partition,
                            offset: Int64(RD_KAFKA_OFFSET_END)
                        )
                    }
                },
                revoked: { entries in
                    let partitions = entries.map(\.partition).sorted()
                    Self.stopReading(partitions, reader, topics, inbox)
                    state.withLock { state in
                        state.holdings.drop(partitions)
                        state.leaving.append((Set(partitions), entries))
                    }
                    inbox.add([.event(.leaving(partitions))])
                    logger.info("Partitions are wanted by others", metadata: ["partitions": "\(partitions)"])
                    return false
                },
                lost: { entries in
                    let partitions = entries.map(\.partition).sorted()
                    guard !partitions.isEmpty else { return }
                    Self.stopReading(partitions, reader, topics, inbox)
                    state.withLock { $0.holdings.drop(partitions) }
                    inbox.add([.event(.lost(partitions))])
                    logger.warning("Partitions are lost", metadata: ["partitions": "\(partitions)"])
                },
                reads: false
            ),
            receive: { found in
                // Messages come through the reader; here only what ends the membership matters.
                inbox.add(
                    found.compactMap { one in
                        if case .failure(let error) = one { .failure(error) } else { nil }
                    }
                )
            },
            tick: { client in Self.commit(client, state) }
        )
    }

    private static func element(_ found: KafkaConsumer.Found, _ names: [String: String]) -> Element? {
        switch found {
        case .message(var delivery):
            delivery.topic = names[delivery.topic] ?? delivery.topic
            return .delivery(delivery)
        case .failure(let error): return .failure(error)
        case .end: return nil
        }
    }

    private static func stopReading(
        _ partitions: [Int],
        _ reader: KafkaConsumer,
        _ topics: [String: String],
        _ inbox: Inbox<Element>
    ) {
        let list = PartitionList(
            partitions.flatMap { number in
                topics.values.map { PartitionList.Entry(topic: $0, partition: number) }
            }
        )
        // Those that were never begun are no error worth a word.
        if let error = rd_kafka_incremental_unassign(reader.pointer, list.pointer) { rd_kafka_error_destroy(error) }
        inbox.removeAll { element in
            if case .delivery(let delivery) = element { partitions.contains(delivery.partition) } else { false }
        }
    }

    /// Tells the group how far we are, once a second.
    private static func commit(_ client: OpaquePointer, _ state: Locked<State>) {
        let entries: [PartitionList.Entry] = state.withLock { state in
            guard ContinuousClock.now - state.lastCommit >= .seconds(1) else { return [] }
            let notes = state.holdings.takeNotes()
            guard !notes.isEmpty else { return [] }
            state.lastCommit = .now
            return notes
        }
        guard !entries.isEmpty else { return }
        let list = PartitionList(entries)
        // For figures only: what fails is sent again with the next.
        _ = rd_kafka_commit(client, list.pointer, 1)
    }

    func next(upTo limit: Int) async throws -> OwnershipEvent? {
        let event = try await self.inbox.next { state -> Result<OwnershipEvent, BusError>? in
            var deliveries: [Delivery] = []
            while deliveries.count < limit, let first = state.first {
                guard case .delivery(let delivery) = first else { break }
                _ = state.removeFirst()
                // One that was on its way when its partition went.
                if self.owns(delivery.partition) { deliveries.append(delivery) }
            }
            if !deliveries.isEmpty { return .success(.deliveries(deliveries)) }
            switch state.removeFirst() {
            case .event(let event): return .success(event)
            case .failure(let error): return .failure(error)
            case .delivery, nil: return nil
            }
        }
        return try event?.get()
    }

    private func owns(_ partition: Int) -> Bool { self.state.withLock { $0.holdings.owns(partition) } }

    func begin(_ partition: Int, at offsets: [String: Int64]) async throws(BusError) {
        let (reader, topics, state) = (self.reader, self.topics, self.state)
        try await self.calls.run { () throws(BusError) in
            guard state.withLock({ $0.holdings.owns(partition) }) else {
                throw BusError(.notHeld, "partition \(partition) is somebody else's")
            }
            let list = PartitionList(
                topics.map { name, kafkaName in
                    PartitionList.Entry(topic: kafkaName, partition: partition, offset: offsets[name] ?? 0)
                }
            )
            if let error = rd_kafka_incremental_assign(reader.pointer, list.pointer) {
                defer { rd_kafka_error_destroy(error) }
                throw BusError(rd_kafka_error_code(error), "reading partition \(partition)")
            }
        }
    }

    func release(_ partitions: [Int]) async {
        let ready = self.state.withLock { state in
            for index in state.leaving.indices { state.leaving[index].partitions.subtract(partitions) }
            defer { state.leaving.removeAll { $0.partitions.isEmpty } }
            return state.leaving.filter { $0.partitions.isEmpty }.map(\.entries)
        }
        for entries in ready { self.member.release(entries) }
    }

    func note(_ next: Int64, of topic: String, partition: Int) {
        guard let name = self.topics[topic] else { return }
        self.state.withLock { $0.holdings.note(next, of: name, partition: partition) }
    }

    func close() async {
        self.inbox.close(dropping: true)
        await self.member.close()
        await self.reader.close()
        await self.calls.close()
    }
}
