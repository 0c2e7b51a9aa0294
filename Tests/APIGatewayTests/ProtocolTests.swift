import Foundation
import HTTPClient
import Testing

@testable import APIGateway

@Suite struct ProtocolTests {
    @Test(.timeLimit(.minutes(10))) func everyAnswerNamesItsRequest() async throws {
        try await GatewayFixture.run { gateway in
            let given = try await gateway.get("/health", headers: ["X-Request-ID": "mine-1"])
            #expect(given.headers["X-Request-ID"] == "mine-1")
            let made = try await gateway.get("/sessions/none", headers: ["X-Request-ID": "not valid!"])
            #expect(made.headers["X-Request-ID"]?.isEmpty == false)
            #expect(made.headers["X-Request-ID"] != "not valid!")
            #expect(made.headers["X-Content-Type-Options"] == "nosniff")
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatTheServerRefusesHasTheSameShape() async throws {
        try await GatewayFixture.run { gateway in
            let unknown = try await gateway.get("/nothing/here")
            #expect(unknown.status == 404)
            #expect(unknown.string("error") == "Not Found")
            #expect(unknown.code == "not_found")
            #expect(unknown.string("detail") != nil && unknown.string("message") != nil)
            let method = try await gateway.send("PATCH", "/templates")
            #expect(method.status == 405)
            #expect(method.headers["Allow"]?.contains("POST") == true)
            #expect(method.code == "method_not_allowed")
            let large = [UInt8](repeating: 32, count: Limits.body + 1)
            let refused = try await gateway.send("POST", "/templates", bytes: large)
            #expect(refused.status == 413)
            #expect(refused.code == "content_too_large")
            #expect(try await gateway.get("/templates/").status == 307)
        }
    }

    @Test(.timeLimit(.minutes(10))) func noInputIsAServerError() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var random = SeededGenerator(state: seed)
            let bodies = [
                #"{"id":"a","name":"n","image_url":"i","runtime_type":"python3.11","default_env_vars":{"A":"b"}}"#,
                #"{"template_id":"t1","dependencies":[{"name":"a","version":"1"}],"cpu":"1","event":{}}"#,
                #"{"code":"x","language":"python","event":{"a":[1,2.5,null]},"env_vars":{"A":"b"},"timeout":5}"#,
            ]
            let paths = [
                "/templates", "/sessions", "/executions/sessions/\(session)/execute", "/sessions/\(session)/terminate",
                "/templates/t1", "/health/sync", "/executions/%F0%9F%98%80/cancel",
                "/sessions/\(session)/files/upload?path=%2e%2e", "/sessions?limit=%7f",
            ]
            for _ in 0..<300 {
                var body = Array((bodies.randomElement(using: &random) ?? "").utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let position = Int.random(in: 0..<body.count, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: body[position] = UInt8.random(in: 0...255, using: &random)
                    case 1: body.removeSubrange(position..<min(body.count, position + 3))
                    default: body.insert(contentsOf: Array("[{\"\\u0000,9e999".utf8), at: position)
                    }
                    if body.isEmpty { body = [123] }
                }
                let method = ["POST", "PUT", "GET", "DELETE"].randomElement(using: &random) ?? "POST"
                let path = paths.randomElement(using: &random) ?? ""
                let answer = try await gateway.send(method, path, bytes: body)
                #expect(answer.status < 500, "\(method) \(path) \(body)")
                if answer.status >= 400 { #expect(answer.code != nil, "\(method) \(path) \(answer.text)") }
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func metricsCountWhatWasAsked() async throws {
        try await GatewayFixture.run { gateway in
            _ = try await gateway.get("/sessions/none")
            var text = ""
            // Counted when the answer is over, which the client sees a little before.
            repeat {
                text = try await gateway.get("//metrics").text
            } while !text.contains(
                #"sandbox_http_requests_total{method="GET",route="/api/v1/sessions/{id}",status="4xx"} 1"#
            )
            #expect(text.contains("sandbox_http_request_seconds_bucket"))
            #expect(text.contains("sandbox_executions_open 0"))
        }
    }
}

/// Small, and the same for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
