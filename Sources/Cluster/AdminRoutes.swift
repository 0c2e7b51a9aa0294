internal import HTTPServer
internal import ServiceKit

/// What an operator asks a process that serves no API: how it is, and its figures.
struct AdminRoutes: Sendable {
    let registry: MetricsRegistry
    /// Why it is not well; `nil` if it is.
    let problem: @Sendable () async -> String?

    var all: [HTTPRoute] {
        [
            HTTPRoute(.get, "/health") { _ in
                let problem = await self.problem()
                let status = problem == nil ? "healthy" : "unhealthy"
                // The problems are phrases of ours: nothing in them needs an escape.
                let detail = problem.map { ",\"problem\":\"\($0)\"" } ?? ""
                return .json(problem == nil ? 200 : 503, Array("{\"status\":\"\(status)\"\(detail)}".utf8))
            },
            HTTPRoute.immediate(.get, "/metrics") { _ in
                HTTPResponse(
                    200,
                    contentType: "text/plain; version=0.0.4; charset=utf-8",
                    body: .bytes(Array(self.registry.render().utf8))
                )
            },
        ]
    }

    /// Where such a process listens, as its settings say.
    static func http(_ reader: ConfigurationReader, defaultPort: Int) throws -> HTTPServerConfiguration {
        let host = reader.string("HOST", default: "127.0.0.1", help: "The IPv4 address to listen on")
        let port = try reader.int(
            "PORT",
            in: 0...65_535,
            default: defaultPort,
            help: "The port to listen on; 0: a free one"
        )
        do {
            return try HTTPServerConfiguration(host: host, port: UInt16(port))
        } catch {
            throw ConfigurationError(key: "HOST", problem: error.message)
        }
    }
}
