import Foundation
import JSON
import TestProcesses
import Testing

extension ClusterUnderFire {
    /// A dispatcher that stands still and goes on later does not know that others have decided meanwhile.
    @Suite(.timeLimit(.minutes(10))) struct PauseTests {
        @Test func aPausedDispatcherIsReplacedAndHeardNoMore() async throws {
            try await Cluster.with(nodes: 2, environment: ["KAFKA_SESSION_TIMEOUT_SECONDS": "6"]) { cluster in
                // So many that each dispatcher decides on some.
                let sessions = try await cluster.sessions(12)
                let ledger = Ledger()
                await ledger.submit(200, sessions: sessions, apis: cluster.apis, seconds: 0.05)
                try cluster.dispatchers[0].pause()
                // Those of the paused one end only when its partitions are taken over.
                await ledger.submit(100, sessions: sessions, apis: cluster.apis)
                let before = try await ledger.ends(cluster.apis)
                try cluster.dispatchers[0].goOn()

                await ledger.submit(100, sessions: sessions, apis: cluster.apis)
                let statuses = try await ledger.judge(cluster.apis)
                print("Over the pause: \(statuses), refused meanwhile: \(ledger.refusals)")
                #expect(statuses == ["completed": ledger.accepted.count])
                let after = try await ledger.ends(cluster.apis)
                for (id, end) in before { #expect(after[id]?.bytes == end.bytes, "\(id) has a second outcome") }
                #expect(ledger.refusals.keys.allSatisfy { $0.hasPrefix("503 ") }, "\(ledger.refusals)")
                #expect(try cluster.dispatchers[0].process.isRunning)
            }
        }
    }
}
