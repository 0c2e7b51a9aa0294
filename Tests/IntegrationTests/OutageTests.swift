import Foundation
import JSON
import ServiceKit
import TestProcesses
import TestServers
import TestSpawn
import Testing

extension ClusterUnderFire {
    /// A server that all depend on is away for a while.
    @Suite(.timeLimit(.minutes(10))) struct OutageTests {
        @Test func withoutABrokerWorkIsRefusedAndNothingIsLost() async throws {
            try await Cluster.with(
                nodes: 2,
                environment: ["DECISION_TIMEOUT_SECONDS": "2", "KAFKA_MESSAGE_TIMEOUT_SECONDS": "2"]
            ) { cluster in
                let sessions = try await cluster.sessions(6)
                let ledger = Ledger()
                // They go on all the time that the broker is away.
                for session in sessions { await ledger.submit(to: session, through: cluster.apis[0], seconds: 12) }
                await ledger.submit(60, sessions: sessions, apis: cluster.apis)
                try await cluster.broker.kill()

                let isBack = Signal()
                let meanwhile = Ledger()
                async let submitting: Void = meanwhile.submit(1, clients: 4, sessions: sessions, apis: cluster.apis) {
                    isBack.isFired
                }
                // The length of the outage, longer than the silence for which a node is given up.
                try await Task.sleep(for: .seconds(10))
                #expect(meanwhile.accepted.isEmpty)
                #expect(!meanwhile.refusals.isEmpty)
                try await cluster.broker.restart()
                isBack.fire()
                await submitting

                print("While the broker was away: \(meanwhile.refusals)")
                #expect(
                    meanwhile.refusals.keys.allSatisfy { $0.hasPrefix("503 ") && $0.count > 4 },
                    "\(meanwhile.refusals)"
                )
                #expect(try await ledger.judge(cluster.apis) == ["completed": ledger.accepted.count])
                let ends = try await meanwhile.judge(cluster.apis)
                #expect(ends == ["completed": meanwhile.accepted.count])
                for session in sessions { #expect(try await cluster.apis[1].sessionStatus(session.id) == "running") }
                try await cluster.isReady()
            }
        }

        @Test func withoutRedisEverythingGoesOnAndAnEmptyOneIsFilledAgain() async throws {
            try await Cluster.with(nodes: 2) { cluster in
                let sessions = try await cluster.sessions(4)
                let ledger = Ledger()
                await ledger.submit(40, sessions: sessions, apis: cluster.apis)
                #expect(try await cluster.redisKeys().contains { $0.contains("lock:") })
                async let submitting: Void = ledger.submit(200, sessions: sessions, apis: cluster.apis)
                try await cluster.redis.kill()
                await submitting
                let late = try await cluster.apis[1].createSession()
                await ledger.submit(20, sessions: [late], apis: cluster.apis)
                let statuses = try await ledger.judge(cluster.apis)
                #expect(statuses == ["completed": ledger.accepted.count])
                #expect(ledger.refusals.isEmpty)

                try await cluster.redis.restart()
                for prefix in [
                    "lock:\(sessions[0].id)", "lock:\(late.id)", "node:node-1", "node:node-2",
                ] {
                    _ = try await eventually("Redis has \(prefix) again") {
                        try await cluster.redisKeys().contains { $0.contains(prefix) } ? true : nil
                    }
                }
                let last = Ledger()
                await last.submit(10, sessions: sessions, apis: cluster.apis)
                _ = try await last.ends(cluster.apis)
                let id = try #require(last.accepted.first).id
                #expect(try await cluster.redisKeys().contains { $0.contains(id) })
            }
        }
    }
}

extension Cluster {
    func redisKeys() async throws -> [String] {
        let client = try ChildProcess("/usr/bin/redis-cli", ["-s", "\(self.redis.folder)/socket", "--scan"])
        guard try await client.end() == .exit(0) else { throw Unexpected("no keys: \(client.errors)") }
        return client.output.split(separator: "\n").map(String.init)
    }
}
