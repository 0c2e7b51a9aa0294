internal import Foundation
internal import KafkaBus
internal import RedisCoordination
internal import SQLite
internal import ServiceKit

/// What every process of a cluster is told by its environment.
struct ClusterSettings: Sendable {
    let reader: ConfigurationReader
    let logger: Logger
    let dataFolder: String
    let kafka: KafkaBusConfiguration
    let redis: RedisConfiguration
    let partitions: Int
    let drainTimeout: Duration

    /// - Throws: ``ConfigurationError`` naming the key.
    init(_ environment: [String: String], label: String) throws {
        let reader = ConfigurationReader(environment)
        self.reader = reader
        self.logger = try Logger.configured(by: reader, label: label)
        let folder = reader.string("DATA_DIR", default: "/var/lib/sandbox", help: "Folder for what the process keeps")
        guard folder.hasPrefix("/") else {
            throw ConfigurationError(key: "DATA_DIR", problem: "must be an absolute path, got \"\(folder)\"")
        }
        self.dataFolder = folder
        self.kafka = try KafkaBusConfiguration(reader: reader)
        self.redis = try RedisConfiguration(reader: reader)
        self.partitions = try reader.int(
            "PARTITIONS",
            in: 1...1024,
            default: 8,
            help: "Partitions of the log; the same for all, and fixed once data exists"
        )
        self.drainTimeout = try reader.duration(
            "SHUTDOWN_TIMEOUT_SECONDS",
            in: .seconds,
            default: .seconds(40),
            help: "Time for everything to stop before it is cut off"
        )
    }

    /// What gateways and nodes show one another.
    ///
    /// - Throws: ``ConfigurationError`` if there is none.
    func internalToken() throws -> Secret {
        guard let token = self.reader.secret("INTERNAL_TOKEN", help: "What gateways and nodes show one another"),
            token.reveal().utf8.count >= 16
        else {
            throw ConfigurationError(
                key: "INTERNAL_TOKEN",
                problem: "must be set to the same secret of 16 bytes or more on every gateway and node"
            )
        }
        return token
    }

    /// Says which settings are of no effect: typing errors, most likely.
    func warnOfUnknownKeys() {
        for key in self.reader.unknownKeys() {
            self.logger.warning("A setting that nothing reads", metadata: ["key": key])
        }
    }

    /// Makes the data folder, and takes it for this process.
    ///
    /// - Throws: ``SQLiteError`` if another process has it, ``ConfigurationError`` if it cannot be made.
    func openDataFolder() throws -> FileLock {
        do {
            try FileManager.default.createDirectory(
                atPath: self.dataFolder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw ConfigurationError(key: "DATA_DIR", problem: "cannot be made or written: \(self.dataFolder)")
        }
        return try FileLock(path: self.dataFolder + "/lock")
    }

    /// A name that stays with the data folder.
    func storedName(prefix: String) throws -> String {
        let path = self.dataFolder + "/name"
        if let name = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) }),
            !name.isEmpty
        {
            return name
        }
        let name = "\(prefix)-\(UUID().uuidString.lowercased())"
        guard FileManager.default.createFile(atPath: path, contents: Data(name.utf8)) else {
            throw ConfigurationError(key: "DATA_DIR", problem: "cannot be written: \(self.dataFolder)")
        }
        return name
    }
}
