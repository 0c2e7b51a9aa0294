import Foundation
import JSON
import TestProcesses
import Testing

extension ClusterUnderFire {
    /// A node that is gone, and one that an operator empties.
    @Suite(.timeLimit(.minutes(10))) struct NodeTests {
        private static let endless = "import time\nopen('started', 'w').close()\ntime.sleep(300)"

        @Test func aLostNodeIsGivenUpAndComesBackEmpty() async throws {
            try await Cluster.with(environment: ["REAPER_GRACE_SECONDS": "2"]) { cluster in
                let api = cluster.apis[0]
                let sessions = try await cluster.sessions(9)
                let lost = try await cluster.node(of: sessions[0].id)
                var (there, elsewhere) = ([API.Session](), [API.Session]())
                for session in sessions {
                    if try await cluster.node(of: session.id) === lost {
                        there.append(session)
                    } else {
                        elsewhere.append(session)
                    }
                }
                #expect(!elsewhere.isEmpty)
                var running: [String] = []
                for session in there {
                    running.append(try await api.submit(session, API.request(Self.endless, timeout: 400)))
                    _ = try await eventually("it runs") { try await api.download(session, "started") }
                }
                try await lost.kill()
                // Nobody knows yet: some of these are sent to the lost node, and must not stay there.
                var starting: [String] = []
                for turn in 0..<6 { starting.append(try await cluster.apis[turn % 2].requestSession()) }

                for id in running {
                    let end = try await cluster.apis[1].endedPatiently(id)
                    #expect(try end.string("status") == "crashed")
                    #expect(try end.optionalString("error_message")?.isEmpty == false)
                }
                for session in there {
                    let document = try await eventually("\(session.id) has ended") {
                        let document = try await api.get("/sessions/\(session.id)")
                        return try document.string("status") == "running" ? nil : document
                    }
                    #expect(try document.string("status") == "failed")
                    #expect(try document.object("error").string("code") == "node_lost")
                }
                for id in starting {
                    _ = try await api.running(id)
                    #expect(try await cluster.node(of: id) !== lost)
                }
                for session in elsewhere { #expect(try await api.sessionStatus(session.id) == "running") }

                try lost.launch()
                try await cluster.isReady()
                let old = Set(there.map(\.container))
                _ = try await eventually("the folders of the old sessions are gone") {
                    old.isDisjoint(with: Leftovers.directories(in: "\(lost.folder)/sandboxes")) ? true : nil
                }
                for container in old { #expect(Leftovers.processes(of: container).isEmpty) }
                _ = try await eventually("it takes sessions again") {
                    let session = try await api.createSession()
                    return try await cluster.node(of: session.id) === lost ? session : nil
                }
            }
        }

        @Test func aDrainedNodeKeepsItsSessionsAndGetsNone() async throws {
            try await Cluster.with(gateways: 1, dispatchers: 1) { cluster in
                let api = cluster.apis[0]
                let session = try await api.createSession()
                let drained = try await cluster.node(of: session.id)
                #expect(try await api.call("POST", "/nodes/\(drained.name)/drain").status == 401)
                try await cluster.change(drained, to: "drain", until: "draining")
                try await Self.takesNone(drained, cluster)
                #expect(
                    try await api.run(session, API.request("open('kept', 'w').write('1')")).string("status")
                        == "completed"
                )

                try await drained.kill()
                try drained.launch()
                _ = try await eventually("its session goes on") {
                    let end = try await api.run(session, API.request("def handler(event): return open('kept').read()"))
                    return try end.string("status") == "completed" ? end : nil
                }
                _ = try await eventually("it still drains") {
                    await api.nodesIfAnswered().first { $0.id == drained.name }?.status == "draining" ? true : nil
                }
                try await Self.takesNone(drained, cluster)

                try await cluster.change(drained, to: "undrain", until: "ready")
                _ = try await eventually("it takes sessions again") {
                    let session = try await api.createSession()
                    return try await cluster.node(of: session.id) === drained ? session : nil
                }
            }
        }

        private static func takesNone(_ node: ClusterPart, _ cluster: Cluster) async throws {
            for session in try await cluster.sessions(6) {
                #expect(try await cluster.node(of: session.id) !== node, "a session on a node that drains")
            }
        }
    }
}

extension Cluster {
    /// What an operator does to a node; returns when its status shows it.
    func change(_ node: ClusterPart, to verb: String, until status: String) async throws {
        let answer = try await self.apis[0].call("POST", "/nodes/\(node.name)/\(verb)", token: Self.token)
        #expect(answer.status == 200, "\(answer.text)")
        _ = try await eventually("\(node.name) is \(status)") {
            await self.apis[0].nodesIfAnswered().first { $0.id == node.name }?.status == status ? true : nil
        }
    }
}
