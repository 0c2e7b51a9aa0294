import Coordination
import ServiceKit
import TestServers

@testable import RedisCoordination

extension RealRedis {
    func configuration() throws -> RedisConfiguration { try RedisConfiguration(url: self.url) }

    func open(_ change: (inout RedisConfiguration) -> Void = { _ in }) async throws -> RedisCoordination {
        var configuration = try self.configuration()
        // However busy the machine is: the tests of time limits set their own.
        configuration.callTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        change(&configuration)
        return try await RedisCoordination.open(configuration, logger: .disabled)
    }

    /// Runs commands of one's own, on a connection of its own.
    func console() async throws -> @Sendable (String...) async throws -> Void {
        let client = try await RedisClient(try self.configuration(), logger: .disabled)
        return { (words: String...) in
            var command = RedisCommand()
            for word in words { command.append(word) }
            _ = try await client.call(command)
        }
    }
}
