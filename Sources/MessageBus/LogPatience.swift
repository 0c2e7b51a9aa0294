public import ServiceKit

/// Waits for a log that does not answer yet: processes start in any order, and a broker that has just started knows no
/// leaders. That is no reason for a service to end.
public struct LogPatience: Sendable {
    private let logger: Logger
    private let pause: Duration

    /// - Parameter pause: Between two attempts. Defaults to a second.
    public init(logger: Logger, pause: Duration = .seconds(1)) {
        self.logger = logger
        self.pause = pause
    }

    /// Asks again for as long as what the log answers may pass.
    ///
    /// - Returns: `nil` if the service was asked to stop meanwhile.
    /// - Throws: A ``BusError`` that does not pass, whatever else `ask` throws, `CancellationError`.
    public func answer<Answer: Sendable>(_ ask: () async throws -> Answer) async throws -> Answer? {
        while true {
            if let answer = try await self.attempt(ask) { return answer }
            if try await self.isAskedToStop() { return nil }
        }
    }

    private func attempt<Answer: Sendable>(_ ask: () async throws -> Answer) async throws -> Answer? {
        do {
            return try await ask()
        } catch let error as BusError {
            guard error.isRetriable else { throw error }
            self.logger.warning("Waiting for the log", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Whether that happened before the pause was over.
    private func isAskedToStop() async throws -> Bool {
        let pause = self.pause
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await gracefulShutdown()
                return true
            }
            group.addTask {
                try await Task.sleep(for: pause)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }
}
