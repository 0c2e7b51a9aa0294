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

    /// All three together stay well below one frame of the agent, which is 16 MiB.
    static let largestOutput = 4 << 20

    /// Reads the configuration, once, at process start.
    ///
    /// - Parameters:
    ///   - sandboxesDirectory: Used when the setting is absent.
    ///   - partitions: Those of the events topic.
    /// - Throws: ``ConfigurationError`` naming the key; nothing is clamped silently.
    public init(reader: ConfigurationReader, sandboxesDirectory: String, partitions: Int = 8) throws {
        let images = reader.string(
            "POOLED_IMAGES",
            default: Self.defaultPooledImages.joined(separator: ","),
            help: "Images whose sandboxes are kept ready, separated by commas"
        )
        try self.init(
            nodeID: NodeID(reader.string("NODE_ID", default: "local", help: "Name of this worker node")),
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
