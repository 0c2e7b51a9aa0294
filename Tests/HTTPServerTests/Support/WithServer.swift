import HTTPServer

extension HTTPServerConfiguration {
    /// Ends no client: on a busy machine one that is only slow would be taken for one that does nothing.
    static func patient(port: UInt16 = 0, threads: Int = 2, connectionLimit: Int = 256) throws
        -> HTTPServerConfiguration
    {
        try HTTPServerConfiguration(
            port: port,
            threads: threads,
            connectionLimit: connectionLimit,
            headerTimeout: .seconds(600),
            bodyTimeout: .seconds(600),
            keepAliveTimeout: .seconds(600),
            stallTimeout: .seconds(600)
        )
    }
}

/// Runs `body` against a server of its own on a free port, and stops that.
func withServer<R>(
    _ routes: [HTTPRoute],
    configuration: HTTPServerConfiguration? = nil,
    redirectsTrailingSlash: Bool = false,
    observe: HTTPServer.Observer? = nil,
    onDrain: (@Sendable () -> Void)? = nil,
    grace: Duration = .seconds(5),
    _ body: (HTTPServer, UInt16) async throws -> R
) async throws -> R {
    let server = HTTPServer(
        configuration: try configuration ?? .patient(),
        router: try HTTPRouter(routes, redirectsTrailingSlash: redirectsTrailingSlash),
        observe: observe,
        onDrain: onDrain
    )
    let port = try server.start()
    do {
        let result = try await body(server, port)
        await server.stop(grace: grace)
        return result
    } catch {
        await server.stop(grace: .zero)
        throw error
    }
}

/// Answers with the method, the target, the headers and the body that came.
func describe(_ request: HTTPRequest) -> HTTPResponse {
    var text = "\(request.method.rawValue) \(request.rawPath)?\(request.rawQuery)\n"
    for header in request.headers { text += "\(header.name)=\(header.value)\n" }
    return HTTPResponse(200, contentType: "text/plain", body: .bytes(Array(text.utf8) + request.bytes))
}
