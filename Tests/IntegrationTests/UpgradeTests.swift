import JSON
import ServiceKit
import TestProcesses
import Testing

extension ClusterUnderFire {
    /// One part after the other is stopped and started again, as in an upgrade, while clients go on.
    @Suite(.timeLimit(.minutes(10))) struct UpgradeTests {
        @Test func everyPartIsReplacedAndNothingIsCutShort() async throws {
            try await Cluster.with { cluster in
                let sessions = try await cluster.sessions(9)
                for session in sessions { try await cluster.apis[0].upload(session, "kept", session.id) }
                let (ledger, isDone) = (Ledger(), Signal())
                async let submitting: Void = ledger.submit(200, sessions: sessions, apis: cluster.apis) {
                    isDone.isFired
                }
                let outcome: Result<Void, any Error>
                do {
                    // Dispatchers, nodes, gateways: what is asked for is understood by whoever has to do it.
                    for part in cluster.dispatchers + cluster.nodes + cluster.gateways {
                        try await part.stop()
                        try part.launch()
                        try await part.isHealthy()
                        try await cluster.isReady()
                    }
                    outcome = .success(())
                } catch {
                    outcome = .failure(error)
                }
                isDone.fire()
                await submitting
                try outcome.get()

                #expect(try await ledger.judge(cluster.apis) == ["completed": ledger.accepted.count])
                // A gateway that is away answers nobody; whoever asks one that is there is served.
                #expect(
                    ledger.refusals.keys.allSatisfy { $0 == "no answer" || $0.hasPrefix("503 ") },
                    "\(ledger.refusals)"
                )
                for session in sessions {
                    for api in cluster.apis { #expect(try await api.sessionStatus(session.id) == "running") }
                    #expect(try await cluster.apis[1].download(session, "kept") == session.id)
                }
            }
        }
    }
}

extension ClusterPart {
    /// Waits until it says of itself that it is well.
    func isHealthy() async throws {
        let api = try API(port: self.port)
        defer { api.close() }
        _ = try await eventually("\(self.name) is healthy") {
            await api.isHealthy() ? true : nil
        }
    }
}
