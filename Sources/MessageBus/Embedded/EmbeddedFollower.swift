import ServiceKit

/// A follower of a topic of an ``EmbeddedBus``. Closes itself at the end of its life.
final class EmbeddedFollower: MessageFollower {
    let startEndOffsets: [Int64]
    private let bus: EmbeddedBus
    private let topic: TopicLog
    private let consumer: ConsumerID
    private let caughtUp = Signal()

    init(bus: EmbeddedBus, topic: TopicLog, consumer: ConsumerID, startEndOffsets: [Int64]) {
        self.bus = bus
        self.topic = topic
        self.consumer = consumer
        self.startEndOffsets = startEndOffsets
    }

    deinit {
        let consumer = self.consumer
        self.topic.update { $0.close(consumer) }
    }

    func next(upTo limit: Int) async throws -> [Delivery] {
        try await self.bus.next(for: self.consumer, of: self.topic, upTo: limit, willLook: self.noteProgress)
    }

    func waitUntilCaughtUp() async throws { try await self.caughtUp.wait() }

    func close() async {
        self.topic.update { $0.close(self.consumer) }
        self.caughtUp.fire()
    }

    /// Whoever asks for more has dealt with what it got.
    private func noteProgress() {
        guard !self.caughtUp.isFired, self.topic.state.withLock({ $0.hasCaughtUp(self.consumer) }) else { return }
        self.caughtUp.fire()
    }
}
