import Foundation
import JSON
import ServiceKit
import TestProcesses
import TestServers
import Testing

extension ClusterUnderFire {
    /// The promise, while one part after the other is killed and started again.
    @Suite(.timeLimit(.minutes(10))) struct KillTests {
        private enum Target: CaseIterable { case gateway, dispatcher, node, broker, redis }

        @Test func everythingAcceptedEndsOnceOverKillsOfEveryPart() async throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("Seed of the kills: \(seed)")
            try await Cluster.with { cluster in
                let sessions = try await cluster.sessions(12)
                for session in sessions { try await cluster.apis[0].upload(session, "kept", session.id) }
                let ledger = Ledger()
                let killed = Signal()
                async let submitting: Void = ledger.submit(1000, sessions: sessions, apis: cluster.apis) {
                    killed.isFired
                }
                do {
                    try await Self.killEverything(cluster, seed: seed)
                } catch {
                    killed.fire()
                    await submitting
                    throw error
                }
                killed.fire()
                await submitting

                for part in cluster.parts {
                    #expect(try part.process.isRunning, "\(part.name) ended by itself: \(part.log.suffix(1000))")
                }
                let statuses = try await ledger.judge(cluster.apis)
                print("Over the kills: \(statuses), refused meanwhile: \(ledger.refusals)")
                #expect(ledger.accepted.count >= 1000)
                #expect(
                    ledger.refusals.keys.allSatisfy { $0 == "no answer" || $0.hasPrefix("503 ") },
                    "\(ledger.refusals)"
                )
                #expect(ledger.refusals["503 "] == nil, "a refusal without a code")
                try await cluster.isReady()
                for session in sessions {
                    for api in cluster.apis { #expect(try await api.sessionStatus(session.id) == "running") }
                    #expect(try await cluster.apis[1].download(session, "kept") == session.id)
                }
                let last = Ledger()
                await last.submit(sessions.count * 2, sessions: sessions, apis: cluster.apis)
                let ends = try await last.ends(cluster.apis)
                for end in ends.values { #expect(try end.string("status") == "completed") }
            }
        }

        /// Each kind of part three times, in an order of chance, one every 300 ms.
        private static func killEverything(_ cluster: Cluster, seed: UInt64) async throws {
            var random = SeededNumbers(seed)
            let order = (Target.allCases + Target.allCases + Target.allCases).shuffled(using: &random)
            try await withThrowingTaskGroup(of: Void.self) { restarts in
                var isBrokerStarting = false
                for target in order {
                    // What is awaited here is the schedule of the kills; nothing is expected to have happened by then.
                    try await Task.sleep(for: .milliseconds(300))
                    switch target {
                    case .gateway: try await self.restart(cluster.gateways.randomElement(using: &random))
                    case .dispatcher: try await self.restart(cluster.dispatchers.randomElement(using: &random))
                    case .node: try await self.restart(cluster.nodes.randomElement(using: &random))
                    case .redis: try await cluster.redis.restart()
                    case .broker:
                        if isBrokerStarting { try await restarts.next() }
                        try await cluster.broker.kill()
                        isBrokerStarting = true
                        restarts.addTask { try await cluster.broker.restart() }
                    }
                }
                try await restarts.waitForAll()
            }
        }

        private static func restart(_ part: ClusterPart?) async throws {
            let part = try #require(part)
            try await part.kill()
            try part.launch()
        }
    }
}
