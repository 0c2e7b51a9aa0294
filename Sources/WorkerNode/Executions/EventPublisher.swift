import MessageBus
import Messages
import ServiceKit

/// Puts the node's events on the log, however long the log refuses them.
struct EventPublisher: Sendable {
    let bus: any MessageBus
    let metrics: WorkerNodeMetrics
    let logger: Logger

    static var firstPause: Duration { .milliseconds(20) }
    static var longestPause: Duration { .seconds(2) }

    enum Verdict: Sendable, Equatable {
        case published
        /// The bus does not take such a message, now or ever.
        case refused
        case gaveUp
    }

    /// Publishes the events, all or none, and returns whether they are on the log.
    ///
    /// While the log refuses (a full disk, a lost connection) it tries again, more and more seldom. It gives up only when
    /// the bus is closed, when the message itself is refused, or when the task is cancelled meanwhile.
    @discardableResult
    func publish(_ events: [Event], durability: Durability) async -> Verdict {
        let now = Timestamp.now()
        return await self.send(
            events.map { event in
                OutgoingMessage(
                    topic: Topics.events,
                    key: event.key ?? "",
                    body: Envelope(at: now, event).encoded()
                )
            },
            durability: durability
        )
    }

    @discardableResult
    func publish(_ event: Event, durability: Durability = .flushed) async -> Verdict {
        await self.publish([event], durability: durability)
    }

    @discardableResult
    func send(_ messages: [OutgoingMessage], durability: Durability) async -> Verdict {
        var pause = Self.firstPause
        var isRefused = false
        while true {
            do {
                try await self.bus.publish(messages, durability: durability)
                if isRefused { self.logger.notice("The log takes events again") }
                return .published
            } catch {
                guard error.code != .closed, error.code != .invalidMessage else {
                    self.logger.error("Events cannot be published", metadata: [LogKey.error: "\(error)"])
                    return error.code == .invalidMessage ? .refused : .gaveUp
                }
                if !isRefused {
                    isRefused = true
                    self.logger.error("The log refuses events; trying again", metadata: [LogKey.error: "\(error)"])
                }
                self.metrics.publishRetries.increment()
            }
            // Only cancellation is thrown: nobody waits for the events any more.
            do { try await Task.sleep(for: pause) } catch {
                self.logger.error(
                    "Stopped before the log took the events",
                    metadata: [LogKey.count: "\(messages.count)"]
                )
                return .gaveUp
            }
            pause = min(Self.longestPause, pause * 2)
        }
    }
}
