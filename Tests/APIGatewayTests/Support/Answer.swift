import Foundation
import HTTPClient
import Testing

@testable import APIGateway

/// An answer with its JSON taken apart.
struct Answer {
    let status: Int
    let headers: HTTPClientHeaders
    let body: [UInt8]

    var text: String { String(decoding: self.body, as: UTF8.self) }
    var json: Any? { try? JSONSerialization.jsonObject(with: Data(self.body), options: .fragmentsAllowed) }
    var object: [String: Any] { self.json as? [String: Any] ?? [:] }
    var items: [[String: Any]] { self.json as? [[String: Any]] ?? self.object["items"] as? [[String: Any]] ?? [] }
    var code: String? { self.object["code"] as? String }

    func string(_ key: String) -> String? { self.object[key] as? String }
    func int(_ key: String) -> Int? { (self.object[key] as? NSNumber)?.intValue }
    func bool(_ key: String) -> Bool? { self.object[key] as? Bool }
    func isNull(_ key: String) -> Bool { self.object[key] is NSNull }

    /// Where the faults of a 422 are, with their types.
    var faults: [String] {
        (self.object["detail"] as? [[String: Any]] ?? []).map { fault in
            let place = (fault["loc"] as? [Any] ?? []).map { "\($0)" }.joined(separator: ".")
            return "\(place) \(fault["type"] as? String ?? "")"
        }
    }
}

extension GatewayFixture {
    func send(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        headers: HTTPClientHeaders = [:]
    ) async throws -> Answer {
        try await self.send(method, path, bytes: body.map { Array($0.utf8) }, headers: headers)
    }

    func send(
        _ method: String,
        _ path: String,
        bytes: [UInt8]?,
        headers: HTTPClientHeaders = [:]
    ) async throws -> Answer {
        var headers = headers
        if bytes != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        let root = path.hasPrefix("//") ? String(path.dropFirst()) : "/api/v1" + path
        let response = try await self.client.send(
            HTTPClientRequest(
                method,
                "http://127.0.0.1:\(self.port)\(root)",
                headers: headers,
                body: bytes.map { [.bytes($0)] }
            )
        )
        return Answer(status: response.status, headers: response.headers, body: response.body)
    }

    func get(_ path: String, headers: HTTPClientHeaders = [:]) async throws -> Answer {
        try await self.send("GET", path, headers: headers)
    }

    /// Makes a template; returns its id.
    @discardableResult
    func makeTemplate(_ id: String = "t1") async throws -> String {
        let answer = try await self.send(
            "POST",
            "/templates",
            #"{"id":"\#(id)","name":"Name of \#(id)","image_url":"image:latest","runtime_type":"python3.11"}"#
        )
        #expect(answer.status == 201)
        return id
    }

    /// Makes a session from the template `t1`, which must exist; returns its id.
    func makeSession(_ id: String? = nil) async throws -> String {
        let given = id.map { #","id":"\#($0)""# } ?? ""
        let answer = try await self.send("POST", "/sessions", #"{"template_id":"t1"\#(given)}"#)
        #expect(answer.status == 201)
        return try #require(answer.string("id"))
    }

    /// Submits code; returns the execution's id.
    func submit(_ code: String, to session: String, event: String = "{}") async throws -> String {
        let body = #"{"code":"\#(code)","language":"python","event":\#(event)}"#
        let answer = try await self.send("POST", "/executions/sessions/\(session)/execute", body)
        #expect(answer.status == 201)
        return try #require(answer.string("execution_id"))
    }
}
