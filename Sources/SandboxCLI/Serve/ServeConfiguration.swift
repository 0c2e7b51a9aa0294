internal import APIGateway
internal import Dispatcher
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
    let runtime: BubblewrapConfiguration
    let drainTimeout: Duration
    let logger: Logger
    private let reader: ConfigurationReader

    /// Every setting that can be made, for docs/configuration.md and `--settings`.
    var keys: [ConfigurationReader.Key] { self.reader.keys }

    /// - Throws: ``ConfigurationError`` or ``UsageError`` naming the key or option.
    init(arguments: Arguments, environment: [String: String]) throws {
        let reader = ConfigurationReader(environment)
        self.reader = reader
        let level = reader.string(
            "LOG_LEVEL",
            default: "info",
            help: "Lines below it are not logged: \(Logger.Level.allCases.map { "\($0)" }.joined(separator: ", "))"
        )
        guard let level = Logger.Level(name: level) else {
            throw ConfigurationError(key: "LOG_LEVEL", problem: "'\(level)' is no level")
        }
        let format = try reader.choice("LOG_FORMAT", default: LogSink.Format.text, help: "On standard error")
        let sink = format == .text ? LogSink.standardError : LogSink(format: format)
        self.logger = Logger(label: "sandbox", level: level, sink: sink)
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
        self.runtime = try BubblewrapConfiguration(
            reader: reader,
            stateDirectory: self.dataFolder + "/runtime",
            agentPath: Self.agentPath
        )
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

    /// The agent lies beside this program.
    private static var agentPath: String {
        // Without /proc there is no sandbox either; the runtime then says what is missing.
        let program =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/usr/bin/sandbox"
        return (program as NSString).deletingLastPathComponent + "/sandbox-agent"
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
