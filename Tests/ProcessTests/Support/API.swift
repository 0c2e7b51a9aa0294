import HTTPClient
import JSON

/// A client of a server under test.
struct API: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: JSONObjectReader
        var headers: HTTPClientHeaders

        var text: String { String(decoding: self.body.bytes, as: UTF8.self) }
        var code: String { (try? self.body.string("code")) ?? "" }
    }

    let base: String
    private let http: HTTPClient

    init(port: UInt16) throws {
        self.base = "http://127.0.0.1:\(port)"
        self.http = try HTTPClient()
    }

    func close() { self.http.close() }

    /// - Throws: `HTTPClientError` if nobody answers.
    func call(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> Answer {
        var request = HTTPClientRequest(method, self.base + "/api/v1" + path, timeout: .seconds(120))
        if let body {
            request.headers.add("Content-Type", "application/json")
            request.body = [.bytes(body)]
        }
        return try self.answer(try await self.http.send(request))
    }

    private func answer(_ response: HTTPClientResponse) throws -> Answer {
        let body = response.body.isEmpty ? Array("{}".utf8) : response.body
        return Answer(status: response.status, body: try JSONObjectReader(body), headers: response.headers)
    }

    /// As ``call(_:_:_:)``, and the answer must be a success.
    func get(_ path: String) async throws -> JSONObjectReader {
        let answer = try await self.call("GET", path)
        guard answer.status == 200 else { throw Unexpected("GET \(path) answered \(answer.status): \(answer.text)") }
        return answer.body
    }

    func createSession() async throws -> Session {
        var writer = JSONWriter()
        writer.object { $0.field("template_id", "python-basic") }
        let answer = try await self.call("POST", "/sessions", writer.bytes)
        guard answer.status == 201 else { throw Unexpected("no session: \(answer.status) \(answer.text)") }
        return try await self.running(try answer.body.string("id"))
    }

    struct Session: Sendable, Hashable {
        var id: String
        var container: String
    }

    /// Waits until the session runs.
    func running(_ id: String) async throws -> Session {
        try await eventually("session \(id) runs") {
            let session = try await self.get("/sessions/\(id)")
            let status = try session.string("status")
            guard status == "running" || status == "creating" else { throw Unexpected("session \(id) is \(status)") }
            return status == "running" ? Session(id: id, container: try session.string("container_id")) : nil
        }
    }

    static func request(_ code: String, language: String = "python", event: String = "{}", timeout: Int = 60)
        -> [UInt8]
    {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("code", code)
            writer.field("language", language)
            writer.field("timeout", timeout)
            writer.field("event", raw: Array(event.utf8))
        }
        return writer.bytes
    }

    /// - Returns: The id of an accepted execution.
    func submit(_ session: Session, _ request: [UInt8]) async throws -> String {
        let answer = try await self.call("POST", "/executions/sessions/\(session.id)/execute", request)
        guard answer.status == 201 else { throw Unexpected("not accepted: \(answer.status) \(answer.text)") }
        return try answer.body.string("execution_id")
    }

    /// Waits until the execution has ended.
    func ended(_ id: String) async throws -> JSONObjectReader {
        try await eventually("execution \(id) ends", within: .seconds(120)) {
            let execution = try await self.get("/executions/\(id)/result?wait=20")
            return ["pending", "running"].contains(try execution.string("status")) ? nil : execution
        }
    }

    func run(_ session: Session, _ request: [UInt8]) async throws -> JSONObjectReader {
        try await self.ended(try await self.submit(session, request))
    }

    func upload(_ session: Session, _ path: String, _ content: String) async throws {
        var form = HTTPClientMultipart()
        form.add("file", filename: "f", .bytes(Array(content.utf8)))
        var request = HTTPClientRequest(
            "POST",
            "\(self.base)/api/v1/sessions/\(session.id)/files/upload?path=\(path)",
            body: form.body
        )
        request.headers.add("Content-Type", form.contentType)
        let response = try await self.http.send(request)
        guard response.status == 200 else { throw Unexpected("no upload: \(response.status) \(response.text)") }
    }

    /// Waits while the session's sandbox is not there, as after a start of the server.
    ///
    /// - Returns: `nil` if there is no such file.
    func download(_ session: Session, _ path: String) async throws -> String? {
        let response = try await eventually("the sandbox can be reached") {
            let url = "\(self.base)/api/v1/sessions/\(session.id)/files/\(path)"
            let response = try await self.http.send(HTTPClientRequest("GET", url))
            return response.status == 503 ? nil : response
        }
        if response.status == 404 { return nil }
        guard response.status == 200 else { throw Unexpected("no download: \(response.status) \(response.text)") }
        return response.text
    }
}
