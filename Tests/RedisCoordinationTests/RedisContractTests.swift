import Coordination
import RedisCoordination
import ServiceKit
import TestKit
import TestServers
import Testing

@Suite(.enabled(if: RealRedis.isInstalled, "redis-server is not installed"))
struct RedisContractTests {
    @Test(.timeLimit(.minutes(10)), arguments: CoordinationContract.allCases)
    func honours(_ clause: CoordinationContract) async throws {
        try await RealRedis.with { server in
            let coordination = try await server.open()
            let flusher = try await server.console()
            try await clause.verify(coordination) { try await flusher("FLUSHALL") }
            await coordination.close()
        }
    }
}
