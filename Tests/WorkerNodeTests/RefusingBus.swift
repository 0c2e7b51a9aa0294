import MessageBus
import Messages
import ServiceKit

/// A bus whose log refuses to be written while the test says so, like one on a full disk.
final class RefusingBus: MessageBus {
    let base: any MessageBus
    private let state = Locked((isRefusing: false, refusals: 0))
    /// Fires with the first refusal.
    let refused = Signal()

    init(base: any MessageBus) {
        self.base = base
    }

    func refuse(_ isRefusing: Bool) { self.state.withLock { $0.isRefusing = isRefusing } }

    fileprivate func check() throws(BusError) {
        guard self.state.withLock({ $0.isRefusing }) else { return }
        self.refused.fire()
        throw BusError(.unavailable, "the disk is full")
    }

    func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError) {
        try await self.base.ensureTopics(topics)
    }

    func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError) {
        try self.check()
        try await self.base.publish(messages, durability: durability)
    }

    func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription {
        Subscription(bus: self, base: try await self.base.subscribe(to: topic, group: group))
    }

    func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower {
        try await self.base.follow(topic, from: offsets)
    }

    func endOffsets(of topic: String) async throws(BusError) -> [Int64] { try await self.base.endOffsets(of: topic) }

    func lag(of group: String, on topic: String) async throws(BusError) -> [Int64] {
        try await self.base.lag(of: group, on: topic)
    }

    private struct Subscription: MessageSubscription {
        let bus: RefusingBus
        let base: any MessageSubscription

        func next(upTo limit: Int) async throws -> [Delivery] { try await self.base.next(upTo: limit) }

        func acknowledge(_ deliveries: [Delivery], durability: Durability) async throws(BusError) {
            try self.bus.check()
            try await self.base.acknowledge(deliveries, durability: durability)
        }

        func stop() async { await self.base.stop() }
        func close() async { await self.base.close() }
    }
}
