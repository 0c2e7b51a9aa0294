internal import APIGateway
internal import DataPlane
internal import Dispatcher
internal import Foundation
internal import HTTPClient
internal import RedisCoordination
public import ServiceKit

/// `APIGateway`: serves the REST API; any number of them side by side.
public enum APIGatewayCommand {
    public static func root(environment: [String: String]) -> ServiceKit.Command {
        Self.process.command(environment: environment)
    }

    static var process: ClusterProcess {
        ClusterProcess(
            name: "APIGateway",
            summary: "Serve the REST API of a sandbox cluster",
            discussion: """
                Appends what clients ask for to Kafka, and answers from a view that it builds of the state topic in DATA_DIR. \
                Any number of gateways serve one cluster; a client may use them in turn.
                """,
            prepare: Self.prepare
        )
    }

    private static func prepare(_ settings: ClusterSettings) throws -> @Sendable () async throws -> Void {
        let token = try settings.internalToken()
        let configuration = try APIGatewayConfiguration(reader: settings.reader)
        return { try await Self.run(settings, configuration, token) }
    }

    private static func run(
        _ settings: ClusterSettings,
        _ configuration: APIGatewayConfiguration,
        _ token: Secret
    ) async throws {
        let metrics = MetricsRegistry()
        let spool = settings.dataFolder + "/spool"
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
        let client = try HTTPClient()
        defer { client.close() }
        try await ClusterServices.run(settings) { connections in
            let gateway = try APIGateway(
                configuration: configuration,
                bus: connections.bus,
                partitions: settings.partitions,
                readModelPath: settings.dataFolder + "/gateway.db",
                workspaces: RemoteWorkspaces(client: client, token: token, spoolDirectory: spool),
                statuses: connections.coordination.statuses,
                probes: [ClusterProbes.redis(connections.coordination)],
                logger: settings.logger,
                metrics: metrics
            )
            return [gateway]
        }
    }
}
