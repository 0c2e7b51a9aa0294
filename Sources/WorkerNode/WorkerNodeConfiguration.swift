import Glibc
public import Messages
public import ServiceKit

/// Settings of one worker node.
public struct WorkerNodeConfiguration: Sendable, Equatable {
    /// Names the node and its topic. Defaults to `local`.
    public var nodeID: NodeID
    /// Absolute path of the folder that holds a folder for each sandbox.
    public var sandboxesDirectory: String
    /// Partitions of the events topic. Defaults to 8.
    public var partitions: Int
    /// Ready sandboxes that wait for a session, for each pooled image. 0 keeps none. Defaults to 2.
    public var warmPoolSize: Int
    /// Images whose sandboxes are kept ready. Defaults to the basic Python image.
    public var pooledImages: [String]
    /// Sessions at the same time; the warm pool comes on top. Defaults to 1000.
    public var maxSandboxes: Int
    /// Sandboxes that start at the same time. Defaults to twice the processors.
    public var startsAtOnce: Int
    /// Bytes of standard output that an execution keeps. Defaults to 1 MiB.
    public var stdoutLimit: Int
    /// Bytes of standard error that an execution keeps. Defaults to 1 MiB.
    public var stderrLimit: Int
    /// Bytes of a returned value's JSON. Defaults to 1 MiB.
    public var resultLimit: Int
    /// Time between two reports of everything the node has. Defaults to 30 s.
    public var reportInterval: Duration
    /// Time between two heartbeats. Defaults to 30 s, which does where no dispatcher waits for them; in a cluster it is 2 s.
    public var heartbeatInterval: Duration
    /// Where gateways reach the files of this node, as an `http` URL. Empty by default: it serves none.
    public var advertisedURL: String
    /// Processors that sessions may share; `nil`, the default, does not limit by them.
    public var cpus: Double?
    /// MiB of memory that sessions may share; `nil`, the default, does not limit by them.
    public var memoryMB: Int?
    /// The file in which the node remembers what it took and started; `nil` leaves that to the log.
    public var journalPath: String?
    /// How long what nobody knows stays on disk before it is removed. Defaults to 10 minutes.
    public var reaperGrace: Duration
    /// How long running executions may go on after a shutdown request. Defaults to 20 s.
    public var drainTimeout: Duration

    public static let defaultPooledImages = ["sandbox-template-python-basic:latest"]
    public static var defaultStartsAtOnce: Int { 2 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// - Throws: ``ConfigurationError`` naming the key; nothing is clamped silently.
    public init(
        nodeID: NodeID = NodeID("local"),
        sandboxesDirectory: String,
        partitions: Int = 8,
        warmPoolSize: Int = 2,
        pooledImages: [String] = Self.defaultPooledImages,
        maxSandboxes: Int = 1000,
        startsAtOnce: Int = Self.defaultStartsAtOnce,
        stdoutLimit: Int = 1 << 20,
        stderrLimit: Int = 1 << 20,
        resultLimit: Int = 1 << 20,
        reportInterval: Duration = .seconds(30),
        heartbeatInterval: Duration = .seconds(30),
        advertisedURL: String = "",
        cpus: Double? = nil,
        memoryMB: Int? = nil,
        journalPath: String? = nil,
        reaperGrace: Duration = .seconds(600),
        drainTimeout: Duration = .seconds(20)
    ) throws {
        func require(_ holds: Bool, _ key: String, _ problem: @autoclosure () -> String) throws {
            guard holds else { throw ConfigurationError(key: key, problem: problem()) }
        }
        try require(
            Self.isName(nodeID.rawValue),
            "NODE_ID",
            "must be 1-64 letters, digits, '.', '_' or '-', got \"\(nodeID)\""
        )
        try require(
            sandboxesDirectory.utf8.first == UInt8(ascii: "/"),
            "SANDBOXES_DIRECTORY",
            "must be an absolute path, got \"\(sandboxesDirectory)\""
        )
        try require(partitions >= 1, "PARTITIONS", "must be at least 1, got \(partitions)")
        try require(
            (0...1000).contains(warmPoolSize),
            "WARM_POOL_SIZE",
            "must be from 0 to 1000, got \(warmPoolSize)"
        )
        try require(
            pooledImages.allSatisfy { !$0.isEmpty },
            "POOLED_IMAGES",
            "must be names separated by commas, got an empty one"
        )
        try require(maxSandboxes >= 1, "MAX_SANDBOXES", "must be at least 1, got \(maxSandboxes)")
        try require(startsAtOnce >= 1, "STARTS_AT_ONCE", "must be at least 1, got \(startsAtOnce)")
        let largest = Self.largestOutput
        for (key, limit) in [
            ("STDOUT_LIMIT_BYTES", stdoutLimit), ("STDERR_LIMIT_BYTES", stderrLimit),
            ("RESULT_LIMIT_BYTES", resultLimit),
        ] {
            try require((0...largest).contains(limit), key, "must be from 0 to \(largest), got \(limit)")
        }
        try require(reportInterval >= .milliseconds(100), "REPORT_INTERVAL_SECONDS", "must be 0.1 or more")
        try require(heartbeatInterval >= .milliseconds(100), "NODE_HEARTBEAT_SECONDS", "must be 0.1 or more")
        try require(
            advertisedURL.isEmpty || advertisedURL.utf8.starts(with: "http://".utf8),
            "ADVERTISED_URL",
            "must begin with http://"
        )
        try require(cpus.map { $0 > 0 } ?? true, "NODE_CPUS", "must be above 0")
        try require(memoryMB.map { $0 >= Self.sessionMemoryMB } ?? true, "NODE_MEMORY_MB", "must be 64 or more")
        self.heartbeatInterval = heartbeatInterval
        self.advertisedURL = advertisedURL
        self.cpus = cpus
        self.memoryMB = memoryMB
        self.journalPath = journalPath
        self.nodeID = nodeID
        self.sandboxesDirectory = sandboxesDirectory
        self.partitions = partitions
        self.warmPoolSize = warmPoolSize
        self.pooledImages = pooledImages
        self.maxSandboxes = maxSandboxes
        self.startsAtOnce = startsAtOnce
        self.stdoutLimit = stdoutLimit
        self.stderrLimit = stderrLimit
        self.resultLimit = resultLimit
        self.reportInterval = reportInterval
        self.reaperGrace = reaperGrace
        self.drainTimeout = drainTimeout
    }

    /// Sessions of one core each that share a core: a session's resources are ceilings, and most of its time it waits.
    static let sessionsPerCPU = 8.0
    /// What a session is counted with: what small ones really use, with room to spare.
    static let sessionMemoryMB = 64

    /// Sessions that the node offers to hold.
    var capacity: Int {
        let byCPU = self.cpus.map { max(1, Int($0 * Self.sessionsPerCPU)) } ?? self.maxSandboxes
        let byMemory = self.memoryMB.map { max(1, $0 / Self.sessionMemoryMB) } ?? self.maxSandboxes
        return min(self.maxSandboxes, byCPU, byMemory)
    }

    /// All three together stay well below one frame of the agent, which is 16 MiB.
    static let largestOutput = 4 << 20

    /// Reads the configuration, once, at process start.
    ///
    /// - Parameters:
    ///   - sandboxesDirectory: Used when the setting is absent.
    ///   - partitions: Those of the events topic.
    ///   - nodeID: Used when the setting is absent.
    ///   - heartbeat: The default of the heartbeat's interval.
    ///   - advertisedURL: Used when the setting is absent.
    ///   - journalPath: See ``journalPath``.
    /// - Throws: ``ConfigurationError`` naming the key; nothing is clamped silently.
    public init(
        reader: ConfigurationReader,
        sandboxesDirectory: String,
        partitions: Int = 8,
        nodeID: String = "local",
        heartbeat: Duration = .seconds(30),
        advertisedURL: String = "",
        journalPath: String? = nil
    ) throws {
        let images = reader.string(
            "POOLED_IMAGES",
            default: Self.defaultPooledImages.joined(separator: ","),
            help: "Images whose sandboxes are kept ready, separated by commas"
        )
        try self.init(
            nodeID: NodeID(reader.string("NODE_ID", default: nodeID, help: "Name of this worker node")),
            sandboxesDirectory: reader.string(
                "SANDBOXES_DIRECTORY",
                default: sandboxesDirectory,
                help: "Folder that holds a folder for each sandbox"
            ),
            partitions: partitions,
            warmPoolSize: reader.int("WARM_POOL_SIZE", default: 2, help: "Ready sandboxes per pooled image; 0: none"),
            pooledImages: images.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed),
            maxSandboxes: reader.int("MAX_SANDBOXES", default: 1000, help: "Sessions that the node holds at once"),
            startsAtOnce: reader.int(
                "STARTS_AT_ONCE",
                default: Self.defaultStartsAtOnce,
                help: "Sandboxes that start at the same time"
            ),
            stdoutLimit: reader.int("STDOUT_LIMIT_BYTES", default: 1 << 20, help: "Standard output kept, in bytes"),
            stderrLimit: reader.int("STDERR_LIMIT_BYTES", default: 1 << 20, help: "Standard error kept, in bytes"),
            resultLimit: reader.int("RESULT_LIMIT_BYTES", default: 1 << 20, help: "Largest return_value, in bytes"),
            reportInterval: reader.duration(
                "REPORT_INTERVAL_SECONDS",
                in: .seconds,
                default: .seconds(30),
                help: "Time between two reports of a node"
            ),
            heartbeatInterval: reader.duration(
                "NODE_HEARTBEAT_SECONDS",
                in: .seconds,
                default: heartbeat,
                help: "Time between two heartbeats of a node"
            ),
            advertisedURL: reader.string(
                "ADVERTISED_URL",
                default: advertisedURL,
                help: "Where gateways reach the files of this node, as http://HOST:PORT"
            ),
            cpus: Self.positive(
                reader.double(
                    "NODE_CPUS",
                    default: 0,
                    help: "Processors that sessions share, 8 sessions each; 0: no limit"
                )
            ),
            memoryMB: Self.positive(
                reader.int("NODE_MEMORY_MB", default: 0, help: "MiB that sessions share, 64 each; 0: no limit")
            ),
            journalPath: journalPath,
            reaperGrace: reader.duration(
                "REAPER_GRACE_SECONDS",
                in: .seconds,
                default: .seconds(600),
                help: "How long folders and processes that nobody knows are left alone"
            ),
            drainTimeout: reader.duration(
                "WORKER_DRAIN_TIMEOUT_SECONDS",
                in: .seconds,
                default: .seconds(20),
                help: "Time for running executions to finish at shutdown"
            )
        )
    }

    private static func positive<Number: Comparable & Numeric>(_ value: Number) -> Number? { value == 0 ? nil : value }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
