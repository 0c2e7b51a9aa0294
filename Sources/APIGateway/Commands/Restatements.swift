import MessageBus
import Messages
import ServiceKit

/// Asks the owners of partitions to write again what somebody who was no owner any more has written over.
final class Restatements: Sendable {
    private struct Request: Hashable {
        var key: StateKey
        var partition: Int
    }

    private struct State {
        var requests: [Request: Int64] = [:]
        var arrival = Signal()
    }

    private let state = Locked(State())
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// - Parameter epoch: The newest claim that is known of the partition.
    func note(_ key: StateKey, partition: Int, epoch: Int64) {
        let arrival = self.state.withLock { state in
            state.requests[Request(key: key, partition: partition)] = epoch
            return state.arrival
        }
        arrival.fire()
    }

    /// Sends what is noted until the task is cancelled.
    func run(_ commands: CommandPublisher) async throws {
        while true {
            let (requests, arrival) = self.state.withLock { state in
                defer { state.requests = [:] }
                if state.requests.isEmpty, state.arrival.isFired { state.arrival = Signal() }
                return (state.requests, state.arrival)
            }
            if requests.isEmpty { try await arrival.wait() }
            for (request, epoch) in requests { try await self.send(request, epoch, commands) }
        }
    }

    private func send(_ request: Request, _ epoch: Int64, _ commands: CommandPublisher) async throws {
        do throws(BusError) {
            try await commands.submit(
                .restate(request.key, epoch: epoch),
                key: request.key.text,
                partition: request.partition
            )
        } catch {
            // Noted again, so that it is not forgotten while the log is down.
            self.logger.warning("A record cannot be asked for again", metadata: [LogKey.error: "\(error)"])
            self.note(request.key, partition: request.partition, epoch: epoch)
            try await Task.sleep(for: .seconds(1))
        }
    }
}
