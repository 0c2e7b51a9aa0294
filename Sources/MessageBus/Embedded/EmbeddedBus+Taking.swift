import SQLite
import ServiceKit
import Synchronization

/// Tells waiting calls apart, over all topics.
private let nextWaiterID = Atomic<UInt64>(0)

extension EmbeddedBus {
    /// What a consumer gets next; waits until there is something. Empty when it has ended.
    ///
    /// - Parameter willWait: Called before each look at the topic.
    func next(
        for consumer: ConsumerID,
        of topic: TopicLog,
        upTo limit: Int,
        willLook: () -> Void = {}
    ) async throws -> [Delivery] {
        precondition(limit > 0, "ask for at least one delivery")
        try Task.checkCancellation()
        while true {
            willLook()
            switch try await self.taking(for: consumer, of: topic, limit: limit) {
            case .deliveries(let deliveries):
                return deliveries
            case .ended:
                return []
            case .read(let read):
                let deliveries = try await self.perform(read, for: consumer, of: topic)
                if !deliveries.isEmpty { return deliveries }
            }
        }
    }

    private func taking(for consumer: ConsumerID, of topic: TopicLog, limit: Int) async throws -> Taking {
        if let taking = topic.state.withLock({ $0.take(consumer, limit: limit) }) { return taking }
        let id = nextWaiterID.wrappingAdd(1, ordering: .relaxed).newValue
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(id: id, limit: limit, continuation: continuation)
                let outcome: Result<Taking, any Error>? = topic.state.withLock { state in
                    // Cancelled before it was stored: the handler below found nobody to resume.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    return state.takeOrWait(consumer, waiter).map { .success($0) }
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = topic.state.withLock { $0.cancelWaiter(id, of: consumer) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func perform(_ read: LogRead, for consumer: ConsumerID, of topic: TopicLog) async throws -> [Delivery] {
        let table = topic.tables[read.partition]
        let maximumBytes = self.configuration.readBytes
        let result: Result<LogChunk, BusError>
        do {
            let chunk = try await self.reader.read { connection in
                try table.read(read, of: topic.name, maximumBytes: maximumBytes, on: connection)
            }
            result = .success(chunk)
        } catch {
            result = .failure(BusError(error, "cannot read partition \(read.partition) of \(topic.name)"))
        }
        // The error is thrown below, once the reading is settled.
        let chunk = try? result.get()
        let (deliveries, resumptions) = topic.state.withLock { $0.didRead(read, chunk, by: consumer) }
        for resume in resumptions { resume() }
        _ = try result.get()
        return deliveries
    }
}
