import ServiceKit

/// Whether the dispatcher has answered lately, as far as commands tell.
final class DispatcherHealth: Sendable {
    private let lastMiss = Locked<ContinuousClock.Instant?>(nil)

    /// Whether the last command that waited in the past 30 s got its decision.
    var isAnswering: Bool { self.lastMiss.withLock { $0.map { .now - $0 > .seconds(30) } ?? true } }

    func answered() { self.lastMiss.withLock { $0 = nil } }
    func missed() { self.lastMiss.withLock { $0 = .now } }
}
