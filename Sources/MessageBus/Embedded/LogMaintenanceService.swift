public import ServiceKit

/// Cleans the log of an ``EmbeddedBus`` from time to time.
public struct LogMaintenanceService: Service {
    private let bus: EmbeddedBus
    private let interval: Duration
    private let logger: Logger
    private let onCleaned: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - interval: Between the end of a cleaning and the next. Defaults to an hour.
    ///   - onCleaned: Told after each cleaning how many messages it deleted.
    public init(
        bus: EmbeddedBus,
        interval: Duration = .seconds(3600),
        logger: Logger,
        onCleaned: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.bus = bus
        self.interval = interval
        self.logger = logger
        self.onCleaned = onCleaned
    }

    /// Runs until the group asks it to stop; a cleaning under way ends after its current batch.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.cleanForEver() }
            group.addTask { try await gracefulShutdown() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func cleanForEver() async throws {
        while true {
            try await Task.sleep(for: self.interval)
            do {
                let deleted = try await self.bus.maintain()
                self.logger.debug("Log cleaned", metadata: ["bus.deleted": "\(deleted)"])
                self.onCleaned(deleted)
            } catch {
                // A full disk, for one: publishers see it too. The next cleaning goes on.
                self.logger.warning("Log cannot be cleaned", metadata: ["error": "\(error)"])
            }
        }
    }
}
