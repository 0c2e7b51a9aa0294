internal import APIGateway
internal import Dispatcher
internal import DockerRuntime
internal import Foundation
internal import SandboxRuntime
internal import ServiceKit
internal import WorkerNode

/// Everything `sandbox serve` is told: by options, else by the environment, else by default.
struct ServeConfiguration: Sendable {
    let dataFolder: String
    let gateway: APIGatewayConfiguration
    let dispatcher: DispatcherConfiguration
    let worker: WorkerNodeConfiguration
    let runtime: HostRuntime
    let drainTimeout: Duration
    let logger: Logger
    private let reader: ConfigurationReader

    /// Every setting that can be made, for docs/configuration.md and `--settings`.
    var keys: [ConfigurationReader.Key] { self.reader.keys }

    /// - Throws: ``ConfigurationError`` or ``UsageError`` naming the key or option.
    init(arguments: Arguments, environment: [String: String]) throws {
        let reader = ConfigurationReader(environment)
        self.reader = reader
        self.logger = try Logger.configured(by: reader, label: "sandbox")
        self.dataFolder = try Self.dataFolder(
            arguments.string("data") ?? reader.string("DATA_DIR", help: "Folder for everything that is kept"),
            environment: environment
        )
        let host = arguments.isGiven("host") ? arguments.string("host") : nil
        let port = arguments.isGiven("port") ? try arguments.int("port", in: 0...65_535).map { UInt16($0) } : nil
        self.dispatcher = try DispatcherConfiguration(reader: reader)
        self.gateway = try APIGatewayConfiguration(reader: reader, host: host, port: port)
        self.worker = try WorkerNodeConfiguration(
            reader: reader,
            sandboxesDirectory: self.dataFolder + "/sandboxes",
            partitions: self.dispatcher.partitions
        )
        self.runtime = try HostRuntime(
            reader: reader,
            given: arguments.string("runtime"),
            preferred: .bubblewrap,
            folder: self.dataFolder,
            agentPath: AgentLocation.besideProgram
        )
        // The clients' own, which may be in the same environment.
        _ = reader.string("SANDBOX_URL", help: "Where the client commands find the server; nothing to the server")
        self.drainTimeout = try reader.duration(
            "SHUTDOWN_TIMEOUT_SECONDS",
            in: .seconds,
            default: .seconds(40),
            help: "Time for everything to stop before it is cut off"
        )
        for key in reader.unknownKeys() {
            self.logger.warning("A setting that nothing reads", metadata: ["key": key])
        }
    }

    private static func dataFolder(_ given: String?, environment: [String: String]) throws -> String {
        let base = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
        guard let folder = given ?? base.map({ $0 + "/sandbox" }) ?? home.map({ $0 + "/.local/share/sandbox" }) else {
            throw UsageError("no folder to keep data in: give --data DIR, or set XDG_DATA_HOME or HOME")
        }
        let absolute = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
        return (absolute as NSString).standardizingPath
    }
}
