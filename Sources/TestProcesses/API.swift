public import HTTPClient
public import JSON

/// A client of a server under test.
public struct API: Sendable {
    public struct Answer: Sendable {
        public var status: Int
        public var body: JSONObjectReader
        public var headers: HTTPClientHeaders

        public var text: String { String(decoding: self.body.bytes, as: UTF8.self) }
        public var code: String { (try? self.body.string("code")) ?? "" }
    }

    public let base: String
    private let http: HTTPClient

    public init(port: UInt16) throws {
        self.base = "http://127.0.0.1:\(port)"
        self.http = try HTTPClient()
    }

    public func close() { self.http.close() }

    /// - Throws: `HTTPClientError` if nobody answers.
    public func call(_ method: String, _ path: String, _ body: [UInt8]? = nil, token: String? = nil) async throws
        -> Answer
    {
        var request = HTTPClientRequest(method, self.base + "/api/v1" + path, timeout: .seconds(120))
        if let token { request.headers.add("Authorization", "Bearer \(token)") }
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

    /// As ``call(_:_:_:token:)``, and the answer must be a success.
    public func get(_ path: String) async throws -> JSONObjectReader {
        let answer = try await self.call("GET", path)
        guard answer.status == 200 else { throw Unexpected("GET \(path) answered \(answer.status): \(answer.text)") }
        return answer.body
    }

    /// What the process says of itself; not well while nobody answers.
    public func isHealthy() async -> Bool {
        let request = HTTPClientRequest("GET", self.base + "/health", timeout: .seconds(10))
        // Whoever asks goes on asking.
        return (try? await self.http.send(request))?.status == 200
    }

    public func createSession() async throws -> Session {
        var writer = JSONWriter()
        writer.object { $0.field("template_id", "python-basic") }
        let answer = try await self.call("POST", "/sessions", writer.bytes)
        guard answer.status == 201 else { throw Unexpected("no session: \(answer.status) \(answer.text)") }
        return try await self.running(try answer.body.string("id"))
    }

    public struct Session: Sendable, Hashable {
        public var id: String
        public var container: String
    }

    /// Waits until the session runs.
    public func running(_ id: String) async throws -> Session {
        try await eventually("session \(id) runs") {
            let session = try await self.get("/sessions/\(id)")
            let status = try session.string("status")
            guard status == "running" || status == "creating" else { throw Unexpected("session \(id) is \(status)") }
            return status == "running" ? Session(id: id, container: try session.string("container_id")) : nil
        }
    }

    public static func request(_ code: String, language: String = "python", event: String = "{}", timeout: Int = 60)
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
    public func submit(_ session: Session, _ request: [UInt8]) async throws -> String {
        let answer = try await self.call("POST", "/executions/sessions/\(session.id)/execute", request)
        guard answer.status == 201 else { throw Unexpected("not accepted: \(answer.status) \(answer.text)") }
        return try answer.body.string("execution_id")
    }

    /// Waits until the execution has ended.
    public func ended(_ id: String) async throws -> JSONObjectReader {
        try await eventually("execution \(id) ends") {
            let execution = try await self.get("/executions/\(id)/result?wait=20")
            return ["pending", "running"].contains(try execution.string("status")) ? nil : execution
        }
    }

    public func run(_ session: Session, _ request: [UInt8]) async throws -> JSONObjectReader {
        try await self.ended(try await self.submit(session, request))
    }

    public func upload(_ session: Session, _ path: String, _ content: String) async throws {
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
    public func download(_ session: Session, _ path: String) async throws -> String? {
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
