internal import MessageBus
internal import ServiceKit

/// Keeps the log small: drops what was kept long enough and compacts the state.
struct BusMaintenance: Service {
    let bus: EmbeddedBus
    let interval: Duration
    let logger: Logger

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gracefulShutdown() }
            group.addTask {
                while true {
                    try await Task.sleep(for: self.interval)
                    await self.maintain()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func maintain() async {
        do {
            let removed = try await self.bus.maintain()
            if removed > 0 { self.logger.debug("Cleaned the log", metadata: ["messages": "\(removed)"]) }
        } catch {
            // Nothing is lost by trying again at the next turn.
            self.logger.warning("Could not clean the log", metadata: ["error": "\(error)"])
        }
    }
}
