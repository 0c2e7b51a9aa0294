internal import DataPlane
internal import DockerRuntime
internal import Foundation
internal import HTTPServer
internal import Messages
internal import RedisCoordination
internal import SandboxRuntime
public import ServiceKit
internal import WorkerNode

/// `WorkerNode`: runs sandboxes on one host.
public enum WorkerNodeCommand {
    struct Settings: Sendable {
        let common: ClusterSettings
        let token: Secret
        let worker: WorkerNodeConfiguration
        let http: HTTPServerConfiguration
        let runtime: HostRuntime
    }

    public static func root(environment: [String: String]) -> ServiceKit.Command {
        Self.process.command(environment: environment)
    }

    static var process: ClusterProcess {
        ClusterProcess(
            name: "WorkerNode",
            summary: "Run the sandboxes of one host of a sandbox cluster",
            discussion: """
                Starts sandboxes by the Docker Engine of this host (RUNTIME=docker), or by bubblewrap without any daemon \
                (RUNTIME=bubblewrap), and runs in them what dispatchers send. One per host. DATA_DIR holds the files of its \
                sessions and its journal: keep it over restarts.
                """,
            prepare: { common in
                let settings = try Self.settings(common)
                return { try await Self.run(settings) }
            }
        )
    }

    private static func settings(_ common: ClusterSettings) throws -> Settings {
        let reader = common.reader
        let folder = common.dataFolder
        let http = try AdminRoutes.http(reader, defaultPort: 8100)
        let host = http.host == "0.0.0.0" ? Self.hostName : http.host
        let agent = reader.string(
            "AGENT_PATH",
            default: AgentLocation.besideProgram,
            help: "The program that runs in each sandbox"
        )
        return Settings(
            common: common,
            token: try common.internalToken(),
            worker: try WorkerNodeConfiguration(
                reader: reader,
                sandboxesDirectory: folder + "/sandboxes",
                partitions: common.partitions,
                nodeID: Self.hostName,
                heartbeat: .seconds(2),
                advertisedURL: http.port == 0 ? "" : "http://\(host):\(http.port)",
                journalPath: folder + "/journal.db"
            ),
            http: http,
            runtime: try HostRuntime(reader: reader, preferred: .docker, folder: folder, agentPath: agent)
        )
    }

    private static func run(_ settings: Settings) async throws {
        let common = settings.common
        let metrics = MetricsRegistry()
        let runtime = try await settings.runtime.open(logger: common.logger.labeled("runtime"))
        let outcome: Result<Void, any Error>
        do {
            try await ClusterServices.run(common) { connections in
                let worker = try WorkerNode(
                    configuration: settings.worker,
                    bus: connections.bus,
                    runtime: runtime,
                    locks: connections.coordination.locks,
                    registry: metrics,
                    logger: common.logger
                )
                let admin = AdminRoutes(registry: metrics) {
                    await worker.status().capabilities.problem == nil ? nil : "no sandbox can start here; see the log"
                }
                let files = try DataPlaneService(
                    configuration: DataPlaneConfiguration(http: settings.http, token: settings.token),
                    workspaces: worker.workspaces,
                    further: admin.all,
                    logger: common.logger.labeled("files")
                )
                return [worker, files]
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await runtime.shutDown()
        try outcome.get()
    }

    private static var hostName: String {
        let name = ProcessInfo.processInfo.hostName
        return name.isEmpty ? "node" : name
    }
}
