public import HTTPServer
public import SandboxRuntime
public import ServiceKit

/// Offers the files of one node's sessions to the gateways.
public final class DataPlaneService: Service {
    private let server: HTTPServer
    private let logger: Logger

    /// - Parameters:
    ///   - workspaces: Those of this node.
    ///   - further: Routes that are served too.
    public init(
        configuration: DataPlaneConfiguration,
        workspaces: any WorkspaceAccess,
        further: [HTTPRoute] = [],
        logger: Logger
    ) throws {
        self.logger = logger
        let routes = DataPlaneRoutes(configuration: configuration, workspaces: workspaces)
        self.server = HTTPServer(
            configuration: configuration.http,
            router: try HTTPRouter(routes.all + further),
            diagnostics: { logger.debug("The HTTP library reports", metadata: ["reason": $0]) }
        )
    }

    /// Listens, and returns the port: it is part of what the node says of itself.
    ///
    /// - Throws: ``HTTPServerError``.
    public func start() throws(HTTPServerError) -> UInt16 { try self.server.start() }

    public func run() async throws {
        try await HTTPService(self.server) { [logger] port in
            logger.info("Files are offered", metadata: ["port": "\(port)"])
        }.run()
    }
}
