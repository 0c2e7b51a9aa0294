import Foundation
import JSON
import TestProcesses
import Testing

extension ClusterUnderFire {
    @Suite(.timeLimit(.minutes(10))) struct CleanStopTests {
        @Test func nothingIsLeftAfterACleanStop() async throws {
            try await Cluster.with { cluster in
                let sessions = try await cluster.sessions(6)
                let ledger = Ledger()
                await ledger.submit(60, sessions: sessions, apis: cluster.apis)
                #expect(try await ledger.judge(cluster.apis) == ["completed": ledger.accepted.count])
                #expect(!Leftovers.processes(of: cluster.folder).isEmpty)

                // Asked all at once: no order is needed.
                await withTaskGroup(of: Void.self) { group in
                    for part in cluster.parts {
                        group.addTask { do { try await part.stop() } catch { Issue.record(error) } }
                    }
                }
                try await cluster.leavesNoProcess()
                for node in cluster.nodes { #expect(Leftovers.controlGroups(of: node.folder).isEmpty) }
            }
        }
    }
}
