internal import Foundation
import HTTPClient

/// Calls of the Docker Engine's API over its socket.
///
/// Cancellation does not withdraw a call, which the daemon would carry out anyhow: whoever asked learns what became of
/// it, within the timeout.
struct EngineClient: Sendable {
    let host: DockerHost
    let version: EngineVersion
    let timeout: Duration
    private let client: HTTPClient

    /// Finds the daemon and the version to speak.
    static func connect(to host: DockerHost, timeout: Duration) async throws(EngineError) -> EngineClient {
        let client: HTTPClient
        do throws(HTTPClientError) {
            client = try HTTPClient()
        } catch {
            throw EngineError(.failed, "no HTTP client", cause: error)
        }
        let answer = try await Self.send(
            HTTPClientRequest("GET", "http://docker/_ping", unixSocketPath: host.socketPath, timeout: timeout),
            by: client,
            host: host
        )
        guard answer.isSuccess, let text = answer.headers["Api-Version"], let offered = EngineVersion(text) else {
            throw EngineError(.notUnderstood, "what answers at \(host) with \(answer.status) is no Docker daemon")
        }
        guard let version = EngineVersion.negotiate(offered) else {
            let wanted = EngineVersion.oldest
            throw EngineError(.notUnderstood, "the Docker daemon at \(host) speaks API \(offered), and not \(wanted)")
        }
        return EngineClient(host: host, version: version, timeout: timeout, client: client)
    }

    private init(host: DockerHost, version: EngineVersion, timeout: Duration, client: HTTPClient) {
        self.host = host
        self.version = version
        self.timeout = timeout
        self.client = client
    }

    /// Ends what runs, and refuses what comes.
    func close() { self.client.close() }

    // MARK: Calls

    /// A call whose answer is JSON.
    func get<Answer: Decodable>(
        _ path: String,
        _ query: [(String, String)] = [],
        as type: Answer.Type = Answer.self
    ) async throws(EngineError) -> Answer {
        try self.decode(try await self.call("GET", path, query))
    }

    @discardableResult
    func call(
        _ method: String,
        _ path: String,
        _ query: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration? = nil
    ) async throws(EngineError) -> HTTPClientResponse {
        let request = self.request(method, path, query, body: body, timeout: timeout ?? self.timeout)
        // A task of its own, for it must not be cancelled; it ends with the request's timeout.
        let result = await Task { [client, host] () async -> Result<HTTPClientResponse, EngineError> in
            do throws(EngineError) {
                return .success(try await Self.send(request, by: client, host: host))
            } catch {
                return .failure(error)
            }
        }.value
        return try Self.check(try result.get())
    }

    /// A call that may take long, and is withdrawn with the task.
    ///
    /// - Throws: ``EngineError``; `CancellationError` only shows as `failed`.
    func cancellableCall(
        _ method: String,
        _ path: String,
        _ query: [(String, String)] = []
    ) async throws(EngineError) -> HTTPClientResponse {
        let request = self.request(method, path, query, timeout: nil)
        return try Self.check(try await Self.send(request, by: self.client, host: self.host))
    }

    /// Opens an answer that comes piece by piece.
    func stream(
        _ method: String,
        _ path: String,
        _ query: [(String, String)] = []
    ) async throws(EngineError) -> EngineStream {
        do throws(HTTPClientError) {
            let stream = try await self.client.stream(self.request(method, path, query, timeout: nil))
            let head = try await stream.head()
            guard !head.isSuccess else { return EngineStream(stream: stream, host: self.host) }
            var answer = head
            while answer.body.count < 64 << 10, let piece = try await stream.next() { answer.body += piece }
            _ = try Self.checkAsHTTP(answer)
            throw HTTPClientError(.other, "an answer of status \(answer.status)")
        } catch {
            throw (error.cause as? EngineError) ?? EngineError(error, host: self.host)
        }
    }

    func encode(_ body: some Encodable) throws(EngineError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            return Array(try encoder.encode(body))
        } catch {
            throw EngineError(.refused, "a request cannot be written as JSON", cause: error)
        }
    }

    func decode<Answer: Decodable>(_ response: HTTPClientResponse) throws(EngineError) -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(response.body))
        } catch {
            throw EngineError(.notUnderstood, "the Docker daemon's answer is not understood: \(error)", cause: error)
        }
    }

    // MARK: Requests

    private func request(
        _ method: String,
        _ path: String,
        _ query: [(String, String)],
        body: [UInt8]? = nil,
        timeout: Duration?
    ) -> HTTPClientRequest {
        var url = "http://docker/v\(self.version)\(path)"
        for (index, (name, value)) in query.enumerated() {
            url += (index == 0 ? "?" : "&") + name + "=" + value.percentEncoded
        }
        return HTTPClientRequest(
            method,
            url,
            unixSocketPath: self.host.socketPath,
            headers: body == nil ? [:] : ["Content-Type": "application/json"],
            body: body.map { [.bytes($0)] },
            timeout: timeout
        )
    }

    private static func send(
        _ request: HTTPClientRequest,
        by client: HTTPClient,
        host: DockerHost
    ) async throws(EngineError) -> HTTPClientResponse {
        do throws(HTTPClientError) {
            return try await client.send(request)
        } catch {
            throw EngineError(error, host: host)
        }
    }

    /// An answer of 2xx, or what the daemon complains about.
    private static func check(_ response: HTTPClientResponse) throws(EngineError) -> HTTPClientResponse {
        if response.isSuccess { return response }
        let complaint = try? JSONDecoder().decode(EngineComplaint.self, from: Data(response.body))
        // Whatever it is, it is all that is known.
        let message = complaint?.message ?? String(response.text.prefix(500))
        let code: EngineError.Code =
            switch response.status {
            case 404: .notFound
            case 304, 409: .conflict
            case 400..<500: .refused
            default: .failed
            }
        throw EngineError(code, message.isEmpty ? "an answer of status \(response.status)" : message)
    }

    private static func checkAsHTTP(_ response: HTTPClientResponse) throws(HTTPClientError) -> HTTPClientResponse {
        do throws(EngineError) {
            return try Self.check(response)
        } catch {
            throw HTTPClientError(.other, error.message, cause: error)
        }
    }
}

private struct EngineComplaint: Decodable {
    var message: String
}
