public import SQLite
import ServiceKit

/// A member of a group of an ``EmbeddedBus``. Leaves the group at the end of its life.
final class EmbeddedSubscription: MessageSubscription {
    let bus: EmbeddedBus
    let topic: TopicLog
    let group: Int
    private let id: UInt64

    private var consumer: ConsumerID { .member(group: self.group, id: self.id) }

    init(bus: EmbeddedBus, topic: TopicLog, group: Int, id: UInt64) {
        self.bus = bus
        self.topic = topic
        self.group = group
        self.id = id
    }

    deinit {
        let consumer = self.consumer
        self.topic.update { $0.close(consumer) }
    }

    func next(upTo limit: Int) async throws -> [Delivery] {
        try await self.bus.next(for: self.consumer, of: self.topic, upTo: limit)
    }

    func acknowledge(_ deliveries: [Delivery], durability: Durability) async throws(BusError) {
        guard !deliveries.isEmpty else { return }
        try self.check(deliveries)
        do {
            try await self.bus.writer.write(durability: durability.ofWriter) { connection in
                self.bus.pending.settle(deliveries, of: self.topic, group: self.group, on: connection)
            }
        } catch {
            throw BusError(error, "cannot acknowledge on \(self.topic.name)")
        }
    }

    func stop() async { self.topic.update { $0.stop(self.consumer) } }
    func close() async { self.topic.update { $0.close(self.consumer) } }

    /// Refuses what this member does not hold.
    func check(_ deliveries: [Delivery]) throws(BusError) {
        let (isMember, areHeld) = self.topic.state.withLock { state in
            let group = state.groups[self.group]
            let areHeld = deliveries.allSatisfy { delivery in
                delivery.topic == self.topic.name && group.partitions.indices.contains(delivery.partition)
                    && group.partitions[delivery.partition].maySettle(delivery.offset, by: self.id)
            }
            return (group.isMember(self.id), areHeld)
        }
        guard isMember else { throw BusError(.closed, "the subscription to \(self.topic.name) is closed") }
        guard areHeld else {
            throw BusError(.notHeld, "this member of \(self.topic.name) does not hold what it acknowledges")
        }
    }
}

extension EmbeddedBus {
    public func acknowledge(
        _ deliveries: [Delivery],
        from subscription: any MessageSubscription,
        on connection: Connection
    ) throws(BusError) {
        guard let subscription = subscription as? EmbeddedSubscription, subscription.bus === self else {
            throw BusError(.notHeld, "the subscription is of another bus")
        }
        guard !deliveries.isEmpty else { return }
        try subscription.check(deliveries)
        self.pending.settle(deliveries, of: subscription.topic, group: subscription.group, on: connection)
    }
}
