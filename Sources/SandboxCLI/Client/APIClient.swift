internal import HTTPClient
internal import JSON
internal import ServiceKit

/// Speaks to a server's REST API.
struct APIClient: Sendable {
    let baseURL: String
    private let http: HTTPClient

    /// - Parameter environment: `SANDBOX_URL` names the server unless `--url` does.
    init(_ arguments: Arguments, environment: [String: String]) throws {
        let given = arguments.string("url") ?? environment["SANDBOX_URL"].flatMap { $0.isEmpty ? nil : $0 }
        var url = given ?? "http://127.0.0.1:8000"
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw UsageError("the server's address must begin with http:// or https://, got \"\(url)\"")
        }
        while url.hasSuffix("/") { url.removeLast() }
        self.baseURL = url
        self.http = try HTTPClient()
    }

    /// Calls `method path`, the path without the API's prefix, and returns the answer's body.
    ///
    /// - Parameter token: For calls that only operators make.
    /// - Throws: ``CLIError`` with the server's reason for anything but a 2xx.
    func call(
        _ method: String,
        _ path: String,
        _ body: [UInt8]? = nil,
        token: String? = nil,
        timeout: Duration? = .seconds(60)
    ) async throws -> [UInt8] {
        var request = HTTPClientRequest(method, self.baseURL + "/api/v1" + path, timeout: timeout)
        if let token { request.headers.add("Authorization", "Bearer \(token)") }
        if let body {
            request.headers.add("Content-Type", "application/json")
            request.body = [.bytes(body)]
        }
        return try await self.answer { try await self.http.send(request) }
    }

    func upload(_ path: String, _ form: HTTPClientMultipart) async throws -> [UInt8] {
        var request = HTTPClientRequest("POST", self.baseURL + "/api/v1" + path, body: form.body, timeout: nil)
        request.headers.add("Content-Type", form.contentType)
        return try await self.answer { try await self.http.send(request) }
    }

    func download(_ path: String, to descriptor: Int32) async throws {
        let request = HTTPClientRequest("GET", self.baseURL + "/api/v1" + path, timeout: nil)
        _ = try await self.answer { try await self.http.download(request, to: descriptor) }
    }

    private func answer(_ send: () async throws -> HTTPClientResponse) async throws -> [UInt8] {
        let response: HTTPClientResponse
        do {
            response = try await send()
        } catch let error as HTTPClientError where error.code == .couldNotConnect {
            throw CLIError(
                .unreachable,
                """
                no server answers at \(self.baseURL).
                Start one with "sandbox serve", or say where it is: --url URL or SANDBOX_URL.
                """,
                cause: error
            )
        } catch let error as HTTPClientError where error.code == .timedOut || error.code == .connectionLost {
            throw CLIError(
                .unreachable,
                "the server at \(self.baseURL) did not finish its answer: \(error.message)",
                cause: error
            )
        }
        guard response.isSuccess else { throw CLIError(.refused, Self.reason(response)) }
        return response.body
    }

    /// The server's own words, and its code.
    private static func reason(_ response: HTTPClientResponse) -> String {
        guard let body = try? JSONObjectReader(response.body) else {
            // Not ours: a proxy's page, perhaps. The status is all that can be told.
            return "the server answered \(response.status)"
        }
        // What is missing or of another kind is left out: some reason is better than none.
        let code = ((try? body.optionalString("code")) ?? nil).map { " (\($0))" } ?? ""
        if let faults = try? body.objects("detail") {
            let lines = faults.map { fault in
                let place = fault.rawBytes("loc").map { String(decoding: $0, as: UTF8.self) } ?? ""
                return "  \(place): \((try? fault.string("msg")) ?? "")"
            }
            return "the request is not valid\(code):\n" + lines.joined(separator: "\n")
        }
        let message = ((try? body.optionalString("message")) ?? nil) ?? "the server answered \(response.status)"
        return message + code
    }
}
