internal import HTTPClient
internal import SandboxRuntime
internal import ServiceKit

/// Asks one node about one sandbox's files.
struct DataPlaneCall: Sendable {
    let client: HTTPClient
    let token: Secret
    let address: String
    let container: String

    /// - Throws: ``RuntimeError``: what the node says, or `sandboxLost` if it cannot be reached.
    func send(
        _ method: String,
        _ suffix: String,
        _ query: [(name: String, value: String)],
        body: [HTTPClientRequest.Segment]? = nil
    ) async throws(RuntimeError) -> HTTPClientResponse {
        let request = self.request(method, suffix, query, body, timeout: .seconds(600))
        let response: HTTPClientResponse
        do throws(HTTPClientError) { response = try await self.client.send(request) } catch { throw Self.lost(error) }
        guard response.isSuccess else { throw Self.error(response) }
        return response
    }

    /// Returns when the head of the answer is there.
    func stream(
        _ suffix: String,
        _ query: [(name: String, value: String)]
    ) async throws(RuntimeError) -> HTTPClientStream {
        let request = self.request("GET", suffix, query, nil, timeout: nil)
        do throws(HTTPClientError) {
            let stream = try await self.client.stream(request)
            let head = try await stream.head()
            if head.isSuccess { return stream }
            throw HTTPClientError(.other, head.headers[DataPlaneProtocol.errorHeader] ?? "status \(head.status)")
        } catch {
            guard let code = RuntimeError.Code(description: error.message) else { throw Self.lost(error) }
            throw RuntimeError(code, "the file has changed", cause: error)
        }
    }

    private func request(
        _ method: String,
        _ suffix: String,
        _ query: [(name: String, value: String)],
        _ body: [HTTPClientRequest.Segment]?,
        timeout: Duration?
    ) -> HTTPClientRequest {
        HTTPClientRequest(
            method,
            self.address + DataPlaneProtocol.path(of: self.container, suffix, query),
            headers: ["Authorization": "Bearer \(self.token.reveal())"],
            body: body,
            timeout: timeout,
            connectTimeout: .seconds(3)
        )
    }

    private static func error(_ response: HTTPClientResponse) -> RuntimeError {
        guard let name = response.headers[DataPlaneProtocol.errorHeader],
            let code = RuntimeError.Code(description: name)
        else { return RuntimeError(.sandboxLost, "the node answers with status \(response.status)") }
        return RuntimeError(code, response.text)
    }

    static func lost(_ error: HTTPClientError) -> RuntimeError {
        RuntimeError(.sandboxLost, "the node of the sandbox cannot be reached", cause: error)
    }
}
