internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// A member of a group of competing consumers.
final class KafkaSubscription: MessageSubscription {
    private struct State: Sendable {
        var progress: [Int: PartitionProgress] = [:]
        var isStopped = false
        var isClosed = false
    }

    /// Beyond this, the brokers keep what comes.
    private static let bufferedMessages = 5000

    private let topic: String
    private let name: String
    private let member: GroupMember
    private let calls: CallThreads
    private let inbox: Inbox<KafkaConsumer.Found>
    private let state: Locked<State>
    private let joined: Signal

    /// How long a new member waits for its share: others may have to let go of it first, or there is none.
    private static let joinPatience: Duration = .seconds(5)

    init(
        _ configuration: KafkaBusConfiguration,
        topic: String,
        named name: String,
        group: String,
        calls: CallThreads
    ) throws(BusError) {
        let (inbox, state, joined) = (Inbox<KafkaConsumer.Found>(), Locked(State()), Signal())
        (self.topic, self.name, self.calls, self.inbox, self.state) = (topic, name, calls, inbox, state)
        self.joined = joined
        let isPaused = Locked(false)
        self.member = try GroupMember(
            .member(configuration, group: group, instance: nil),
            topic: name,
            handlers: GroupMember.Handlers(
                assigned: { entries in
                    state.withLock { state in
                        for entry in entries { state.progress[entry.partition] = PartitionProgress() }
                    }
                    if !entries.isEmpty { joined.fire() }
                    return entries
                },
                revoked: { entries in
                    Self.forget(entries.map(\.partition), state, inbox)
                    return true
                },
                lost: { entries in Self.forget(entries.map(\.partition), state, inbox) }
            ),
            receive: { inbox.add($0) },
            tick: { client in
                // Polled on while work runs, whatever waits; but no more is fetched.
                Self.regulate(client, inbox.count, isPaused)
            }
        )
    }

    private static func forget(
        _ partitions: [Int],
        _ state: Locked<State>,
        _ inbox: Inbox<KafkaConsumer.Found>
    ) {
        state.withLock { state in for partition in partitions { state.progress[partition] = nil } }
        inbox.removeAll { found in
            if case .message(let delivery) = found { partitions.contains(delivery.partition) } else { false }
        }
    }

    private static func regulate(_ client: OpaquePointer, _ waiting: Int, _ isPaused: Locked<Bool>) {
        let wasPaused = isPaused.withLock { $0 }
        let shallPause = wasPaused ? waiting > Self.bufferedMessages / 2 : waiting > Self.bufferedMessages
        guard shallPause != wasPaused else { return }
        var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
        guard rd_kafka_assignment(client, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        _ = shallPause ? rd_kafka_pause_partitions(client, list) : rd_kafka_resume_partitions(client, list)
        isPaused.withLock { $0 = shallPause }
    }

    /// Returns when the member has a share of the partitions, or some seconds have passed.
    func waitUntilJoined() async {
        await withTaskGroup(of: Void.self) { group in
            // Both end by cancellation of the other, or of the caller.
            group.addTask { [joined] in try? await joined.wait() }
            group.addTask { try? await Task.sleep(for: Self.joinPatience) }
            await group.next()
            group.cancelAll()
        }
    }

    func next(upTo limit: Int) async throws -> [Delivery] {
        let deliveries = try await self.inbox.next { state -> Result<[Delivery], BusError>? in
            var deliveries: [Delivery] = []
            while deliveries.count < limit, let first = state.first {
                if case .failure(let error) = first {
                    if !deliveries.isEmpty { break }
                    return .failure(error)
                }
                _ = state.removeFirst()
                guard case .message(var delivery) = first else { continue }
                delivery.topic = self.topic
                let isOurs = self.state.withLock { state in
                    state.progress[delivery.partition]?.handOut(delivery.offset) != nil
                }
                if isOurs { deliveries.append(delivery) }
            }
            return deliveries.isEmpty ? nil : .success(deliveries)
        }
        return try deliveries?.get() ?? []
    }

    func acknowledge(_ deliveries: [Delivery], durability: Durability) async throws(BusError) {
        let outcome: Result<[PartitionList.Entry], BusError> = self.state.withLock { state in
            if state.isClosed { return .failure(BusError(.closed, "the subscription is closed")) }
            var moved: [Int: Int64] = [:]
            for delivery in deliveries {
                guard state.progress[delivery.partition]?.settle(delivery.offset) == true else {
                    return .failure(BusError(.notHeld, "a delivery of somebody else"))
                }
                moved[delivery.partition] = state.progress[delivery.partition]?.next
            }
            return .success(moved.map { PartitionList.Entry(topic: self.name, partition: $0.key, offset: $0.value) })
        }
        let entries = try outcome.get()
        guard !entries.isEmpty else { return }
        let client = UncheckedBox(self.member.consumer.pointer)
        try await self.calls.run { () throws(BusError) in
            let list = PartitionList(entries)
            let error = rd_kafka_commit(client.value, list.pointer, 0)
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw BusError(error, "settling") }
        }
    }

    func stop() async {
        let holdsNothing = self.state.withLock { state in
            state.isStopped = true
            return !state.progress.values.contains(where: \.hasUnsettled)
        }
        self.inbox.close(dropping: true)
        // With nothing to settle there is no reason to stay.
        if holdsNothing { await self.member.close() }
    }

    func close() async {
        self.state.withLock { $0.isClosed = true }
        self.inbox.close(dropping: true)
        await self.member.close()
    }
}
