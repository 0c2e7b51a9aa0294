import Foundation
import JSON
import ServiceKit
import TestProcesses
import Testing

extension ClusterUnderFire {
    /// Nodes on hosts of their own: what they share with the rest is a network, and nothing else.
    @Suite(
        .timeLimit(.minutes(10)),
        .enabled(if: BridgedNetwork.obstacle == nil, "hosts in namespaces: \(BridgedNetwork.obstacle ?? "")")
    )
    struct ManyHostsTests {
        @Test func hostsServeOneLoadAndOneOfThemMayBeCutOff() async throws {
            try await BridgedNetwork.with(hosts: 2) { network in
                try await Cluster.with(environment: ["REAPER_GRACE_SECONDS": "2"], network: network) { cluster in
                    let sessions = try await cluster.sessions(18)
                    var byNode: [String: [API.Session]] = [:]
                    for session in sessions {
                        byNode[try await cluster.node(of: session.id).name, default: []].append(session)
                    }
                    #expect(byNode.count == 3, "all on \(byNode.keys)")
                    // A session that one gateway made is there at the other at once, with its files.
                    for (number, session) in sessions.enumerated() {
                        let (here, there) = (cluster.apis[number % 2], cluster.apis[(number + 1) % 2])
                        #expect(try await there.sessionStatus(session.id) == "running")
                        try await there.upload(session, "kept", "file \(number)")
                        #expect(try await here.download(session, "kept") == "file \(number)")
                    }
                    let ledger = Ledger()
                    await ledger.submit(180, sessions: sessions, apis: cluster.apis)
                    #expect(try await ledger.judge(cluster.apis) == ["completed": ledger.accepted.count])

                    try await Self.cutOff(cluster.nodes[1], network, cluster, byNode)
                }
            }
        }

        private static func cutOff(
            _ node: ClusterPart,
            _ network: BridgedNetwork,
            _ cluster: Cluster,
            _ byNode: [String: [API.Session]]
        ) async throws {
            let host = try #require(node.host)
            let lost = byNode[node.name] ?? []
            let kept = byNode.filter { $0.key != node.name }.flatMap(\.value)
            try await network.cut(host)
            // The others go on all the time.
            let ledger = Ledger()
            await ledger.submit(60, sessions: kept, apis: cluster.apis)
            #expect(try await ledger.judge(cluster.apis) == ["completed": ledger.accepted.count])
            for session in lost {
                let document = try await eventually("\(session.id) is given up") {
                    let document = try await cluster.apis[0].get("/sessions/\(session.id)")
                    return try document.string("status") == "running" ? nil : document
                }
                #expect(try document.object("error").string("code") == "node_lost")
            }
            let late = try await cluster.apis[1].createSession()
            #expect(try await cluster.node(of: late.id) !== node)

            try await network.mend(host)
            try await cluster.isReady()
            let old = Set(lost.map(\.container))
            _ = try await eventually("the sandboxes of what was given up are gone") {
                old.allSatisfy { Leftovers.processes(of: $0).isEmpty } ? true : nil
            }
            _ = try await eventually("it takes sessions again") {
                let session = try await cluster.apis[0].createSession()
                return try await cluster.node(of: session.id) === node ? session : nil
            }
            for session in kept { #expect(try await cluster.apis[1].sessionStatus(session.id) == "running") }
        }
    }
}
