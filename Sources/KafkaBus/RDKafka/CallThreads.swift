internal import MessageBus
internal import ServiceKit

/// Runs librdkafka's blocking calls on threads of our own.
final class CallThreads: Sendable {
    private struct State {
        var calls: [@Sendable () -> Void] = []
        var isClosed = false
        var running: Int
    }

    private let state: Monitor<State>
    private let ended = Signal()

    /// - Throws: ``BusError`` when the system has no thread.
    init(count: Int) throws(BusError) {
        self.state = Monitor(State(running: count))
        for _ in 0..<count {
            do { try DedicatedThread.start(name: "kafka-calls") { [self] in self.run() } } catch {
                throw BusError(.unavailable, "no thread for calls to Kafka", cause: error)
            }
        }
    }

    /// Runs `body` to its end, also if the caller is cancelled.
    func run<T: Sendable>(_ body: @escaping @Sendable () throws(BusError) -> T) async throws(BusError) -> T {
        let result: Result<T, BusError> = await withCheckedContinuation { caller in
            let isTaken = self.state.withLock { state in
                guard !state.isClosed else { return false }
                state.calls.append {
                    do throws(BusError) { caller.resume(returning: .success(try body())) } catch {
                        caller.resume(returning: .failure(error))
                    }
                }
                return true
            }
            if isTaken {
                self.state.signal()
            } else {
                caller.resume(returning: .failure(BusError(.closed, "the bus is closed")))
            }
        }
        return try result.get()
    }

    private func run() {
        while true {
            let call = self.state.wait { state -> (@Sendable () -> Void)?? in
                if !state.calls.isEmpty { return .some(state.calls.removeFirst()) }
                return state.isClosed ? .some(nil) : nil
            }
            guard let call else { break }
            call()
        }
        let isLast = self.state.withLock { state in
            state.running -= 1
            return state.running == 0
        }
        if isLast { self.ended.fire() }
    }

    /// Returns when the calls that were made have ended.
    func close() async {
        self.state.withLock { $0.isClosed = true }
        self.state.broadcast()
        // Nothing but cancellation is thrown; the threads end by themselves.
        do { try await self.ended.wait() } catch { return }
    }
}
