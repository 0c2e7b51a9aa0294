import MessageBus
import ServiceKit

/// Leaves the remembering to the log: for a log in the same process, where it costs nothing more.
///
/// A dispatcher over such a log never has to say anything twice, so what began before needs not be known; a drain ends
/// with the process.
final class SubscribedIntake: CommandIntake {
    private let subscription: any MessageSubscription
    private let draining = Locked(false)

    init(_ subscription: any MessageSubscription) {
        self.subscription = subscription
    }

    func next(upTo limit: Int) async throws -> [Delivery] { try await self.subscription.next(upTo: limit) }

    func settle(
        _ deliveries: [Delivery],
        spent: [AttemptKey],
        durability: Durability
    ) async throws(BusError) {
        try await self.subscription.acknowledge(deliveries, durability: durability)
    }

    func isSpent(_ key: AttemptKey) -> Bool { false }

    var isDraining: Bool { self.draining.withLock { $0 } }

    func setDraining(_ isDraining: Bool) async throws(BusError) { self.draining.withLock { $0 = isDraining } }

    func stop() async { await self.subscription.stop() }

    func close() async { await self.subscription.close() }
}
