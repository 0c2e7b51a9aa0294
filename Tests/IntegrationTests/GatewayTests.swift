import Foundation
import JSON
import TestProcesses
import Testing

extension ClusterUnderFire {
    /// Clients may take any gateway at any time.
    @Suite(.timeLimit(.minutes(10))) struct GatewayTests {
        private static let code = "def handler(event): return open(event['file']).read()"

        @Test func whatOneGatewayAnsweredTheOtherKnowsAtOnce() async throws {
            try await Cluster.with(dispatchers: 1, nodes: 2) { cluster in
                for turn in 0..<200 {
                    let (first, second) = (cluster.apis[turn % 2], cluster.apis[(turn + 1) % 2])
                    let id = try await first.requestSession()
                    // Before it runs: the record alone is there.
                    #expect(try await second.get("/sessions/\(id)").string("id") == id)
                    let session = try await second.running(id)
                    try await second.upload(session, "f\(turn)", "content \(turn)")
                    let event = "{\"file\": \"f\(turn)\"}"
                    let execution = try await second.submit(session, API.request(Self.code, event: event))
                    #expect(try await first.ended(execution).string("return_value") == "content \(turn)")
                    #expect(try await second.get("/executions/\(execution)/status").string("status") == "completed")
                    #expect(try await second.get("/executions/sessions/\(id)/executions").int("total") == 1)
                    #expect(try await second.download(session, "f\(turn)") == "content \(turn)")
                    #expect(
                        String(decoding: try await second.get("/sessions?limit=5").bytes, as: UTF8.self).contains(id)
                    )
                    #expect(try await second.call("DELETE", "/sessions/\(id)").status == 204)
                    #expect(try await first.call("GET", "/sessions/\(id)").status == 404)
                }
            }
        }

        @Test func aGatewayWithoutItsFolderAnswersTheSame() async throws {
            try await Cluster.with(dispatchers: 1, nodes: 2) { cluster in
                let sessions = try await cluster.sessions(4)
                let ledger = Ledger()
                await ledger.submit(100, sessions: sessions, apis: cluster.apis)
                try await ledger.judge(cluster.apis)
                let paths =
                    ledger.accepted.map { "/executions/\($0.id)/result" } + sessions.map { "/sessions/\($0.id)" }
                    + sessions.map { "/executions/sessions/\($0.id)/executions?limit=50" } + [
                        "/sessions?limit=10", "/templates/python-basic",
                    ]
                var before: [String: [UInt8]] = [:]
                for path in paths { before[path] = try await cluster.apis[1].get(path).bytes }

                try await cluster.gateways[1].kill()
                try FileManager.default.removeItem(atPath: cluster.gateways[1].folder)
                try cluster.gateways[1].launch()
                for path in paths {
                    let answer = try await cluster.apis[1].patiently("GET", path)
                    #expect(answer.status == 200)
                    #expect(answer.body.bytes == before[path], "\(path) is answered otherwise: \(answer.text)")
                }
            }
        }
    }
}
