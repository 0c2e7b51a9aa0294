internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// Reads partitions of a topic on one's own.
final class KafkaFollower: MessageFollower {
    /// Beyond this, the brokers keep what comes.
    private static let bufferedMessages = 20_000

    let startEndOffsets: [Int64]
    private let consumer: KafkaConsumer
    private let topic: String
    private let inbox = Inbox<KafkaConsumer.Found>()
    /// The next offset of each followed partition that is to be handed out.
    private let positions: Locked<[Int: Int64]>
    private let caughtUp = Signal()

    /// - Parameters:
    ///   - name: The topic's in Kafka; messages come with `topic`.
    ///   - positions: Where to begin, by partition: those that are followed.
    init(
        _ configuration: KafkaBusConfiguration,
        topic: String,
        named name: String,
        positions: [Int: Int64],
        ends: [Int64]
    ) throws(BusError) {
        self.topic = topic
        self.startEndOffsets = ends
        self.positions = Locked(positions)
        self.consumer = try KafkaConsumer(.consumer(configuration, group: "follower"))
        let list = PartitionList(
            positions.map { PartitionList.Entry(topic: name, partition: $0.key, offset: $0.value) }
        )
        let error = rd_kafka_assign(self.consumer.pointer, list.pointer)
        let inbox = self.inbox
        try self.consumer.start(receive: { found in
            inbox.add(found)
            if inbox.count > Self.bufferedMessages { inbox.waitForRoom(Self.bufferedMessages / 2) }
        })
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { inbox.fail(BusError(error, "following \(topic)")) }
    }

    func next(upTo limit: Int) async throws -> [Delivery] {
        self.noteProgress()
        let deliveries = try await self.inbox.next { state -> Result<[Delivery], BusError>? in
            var deliveries: [Delivery] = []
            while deliveries.count < limit, let first = state.first {
                switch first {
                case .message(var delivery):
                    delivery.topic = self.topic
                    deliveries.append(delivery)
                    self.positions.withLock { $0[delivery.partition] = delivery.offset + 1 }
                case .end(_, let partition, let offset):
                    // Behind what is handed out now, the end counts when it is asked again.
                    if !deliveries.isEmpty { return .success(deliveries) }
                    self.positions.withLock { $0[partition] = max($0[partition] ?? 0, offset) }
                    self.noteProgress()
                case .failure(let error):
                    if !deliveries.isEmpty { return .success(deliveries) }
                    return .failure(error)
                }
                _ = state.removeFirst()
            }
            return deliveries.isEmpty ? nil : .success(deliveries)
        }
        return try deliveries?.get() ?? []
    }

    private func noteProgress() {
        guard !self.caughtUp.isFired else { return }
        let isThere = self.positions.withLock { positions in
            positions.allSatisfy { $0.key >= self.startEndOffsets.count || $0.value >= self.startEndOffsets[$0.key] }
        }
        if isThere { self.caughtUp.fire() }
    }

    func waitUntilCaughtUp() async throws { try await self.caughtUp.wait() }

    func close() async {
        self.inbox.close(dropping: true)
        self.caughtUp.fire()
        await self.consumer.close()
    }
}
