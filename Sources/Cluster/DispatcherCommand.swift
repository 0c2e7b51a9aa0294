internal import Dispatcher
internal import HTTPServer
internal import RedisCoordination
public import ServiceKit

/// `Dispatcher`: decides on its share of the partitions; any number of them side by side.
public enum DispatcherCommand {
    public static func root(environment: [String: String]) -> ServiceKit.Command {
        Self.process.command(environment: environment)
    }

    static var process: ClusterProcess {
        ClusterProcess(
            name: "Dispatcher",
            summary: "Decide what runs where in a sandbox cluster",
            discussion: """
                Owns a share of the partitions: places sessions on nodes, queues executions, times out and gives up. Another \
                dispatcher takes its partitions over when it is gone. What it keeps in DATA_DIR is a copy, and made anew at \
                each start.
                """,
            prepare: Self.prepare
        )
    }

    private static func prepare(_ settings: ClusterSettings) throws -> @Sendable () async throws -> Void {
        let configuration = try DispatcherConfiguration(reader: settings.reader)
        let http = try AdminRoutes.http(settings.reader, defaultPort: 8200)
        let name = settings.reader.string(
            "DISPATCHER_ID",
            help: "Name of this dispatcher, unlike any other's; default: one that is kept in DATA_DIR"
        )
        return { try await Self.run(settings, configuration, http, name) }
    }

    private static func run(
        _ settings: ClusterSettings,
        _ configuration: DispatcherConfiguration,
        _ http: HTTPServerConfiguration,
        _ name: String?
    ) async throws {
        let metrics = MetricsRegistry()
        let member = try name ?? settings.storedName(prefix: "dispatcher")
        try await ClusterServices.run(settings) { connections in
            let dispatcher = PartitionedDispatcher(
                configuration: configuration,
                member: member,
                storePath: settings.dataFolder + "/dispatcher.db",
                bus: connections.bus,
                capacity: connections.coordination.capacity,
                metrics: metrics,
                logger: settings.logger
            )
            let routes = AdminRoutes(registry: metrics) { nil }
            let server = HTTPServer(configuration: http, router: try HTTPRouter(routes.all))
            let admin = HTTPService(server) { port in
                settings.logger.info("Listening", metadata: ["port": "\(port)"])
            }
            return [dispatcher, admin]
        }
    }
}
