import Foundation
import HTTPClient
import JSON
import TestProcesses

struct NodeDocument: Decodable, Sendable {
    var id: String
    var status: String
    var sessions: Int
    var warm_sandboxes: Int
}

private struct NodeList: Decodable { var items: [NodeDocument] }

extension API {
    func nodes() async throws -> [NodeDocument] {
        try JSONDecoder().decode(NodeList.self, from: Data(try await self.get("/nodes").bytes)).items
    }

    /// None while the gateway starts or is down.
    func nodesIfAnswered() async -> [NodeDocument] {
        // Whoever asks goes on asking.
        (try? await self.nodes()) ?? []
    }

    /// The answer that a client gets who asks again while a gateway is down or says 503.
    func patiently(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> Answer {
        try await eventually("\(method) \(path) is answered") {
            do {
                let answer = try await self.call(method, path, body)
                return answer.status == 503 ? nil : answer
            } catch is HTTPClientError {
                return nil
            }
        }
    }

    /// The end of an execution, over restarts of the gateway.
    func endedPatiently(_ id: String) async throws -> JSONObjectReader {
        try await eventually("execution \(id) ends") {
            let answer = try await self.patiently("GET", "/executions/\(id)/result?wait=20")
            guard answer.status == 200 else { throw Unexpected("execution \(id): \(answer.status) \(answer.text)") }
            return ["pending", "running"].contains(try answer.body.string("status")) ? nil : answer.body
        }
    }

    /// As ``createSession()``, without waiting.
    func requestSession() async throws -> String {
        var writer = JSONWriter()
        writer.object { $0.field("template_id", "python-basic") }
        let answer = try await self.patiently("POST", "/sessions", writer.bytes)
        guard answer.status == 201 else { throw Unexpected("no session: \(answer.status) \(answer.text)") }
        return try answer.body.string("id")
    }

    func sessionStatus(_ id: String) async throws -> String {
        let answer = try await self.patiently("GET", "/sessions/\(id)")
        guard answer.status == 200 else { throw Unexpected("session \(id): \(answer.status) \(answer.text)") }
        return try answer.body.string("status")
    }
}
