import MessageBus
import SQLite
import ServiceKit
import TestKit
import Testing

@Suite struct EmbeddedBusContractTests {
    @Test(.timeLimit(.minutes(10)), arguments: MessageBusContract.allCases)
    func honours(_ clause: MessageBusContract) async throws {
        try await self.verify(clause, EmbeddedBusConfiguration())
    }

    /// Without a message in memory every consumer reads from the database.
    @Test(.timeLimit(.minutes(10)), arguments: MessageBusContract.allCases)
    func honoursFromDisk(_ clause: MessageBusContract) async throws {
        try await self.verify(clause, EmbeddedBusConfiguration(tailCount: 0))
    }

    private func verify(_ clause: MessageBusContract, _ configuration: EmbeddedBusConfiguration) async throws {
        let folder = try TemporaryFolder()
        let bus = try await EmbeddedBus.open(path: folder.log, configuration: configuration)
        let reopened = Locked<EmbeddedBus?>(nil)
        try await clause.verify(bus) { bus in
            await bus.close()
            let again = try await EmbeddedBus.open(path: folder.log, configuration: configuration)
            reopened.withLock { $0 = again }
            return again
        }
        await bus.close()
        await reopened.withLock { $0 }?.close()
    }
}
