public import ServiceKit

/// Settings of a dispatcher.
public struct DispatcherConfiguration: Sendable, Equatable {
    /// Partitions of the commands, events and state topics. Fixed for the life of an installation.
    public var partitions: Int
    /// Records taken into one transaction at most.
    public var batchSize: Int
    /// How often overdue sessions and executions are looked for.
    public var expiryInterval: Duration
    public var settings: DispatcherSettings

    public init(
        partitions: Int = 8,
        batchSize: Int = 256,
        expiryInterval: Duration = .seconds(5),
        settings: DispatcherSettings = DispatcherSettings()
    ) throws {
        guard (1...1024).contains(partitions) else {
            throw ConfigurationError(key: "PARTITIONS", problem: "must be 1 to 1024, got \(partitions)")
        }
        guard batchSize > 0 else {
            throw ConfigurationError(key: "DISPATCHER_BATCH_SIZE", problem: "must be at least 1, got \(batchSize)")
        }
        guard expiryInterval > .zero else {
            throw ConfigurationError(key: "EXPIRY_INTERVAL_SECONDS", problem: "must be more than 0")
        }
        self.partitions = partitions
        self.batchSize = batchSize
        self.expiryInterval = expiryInterval
        self.settings = settings
    }

    /// Reads the configuration, once, at process start.
    ///
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(reader: ConfigurationReader) throws {
        try self.init(
            partitions: reader.int("PARTITIONS", default: 8, help: "Partitions of the log; fixed once data exists"),
            batchSize: reader.int("DISPATCHER_BATCH_SIZE", default: 256, help: "Records per dispatcher transaction"),
            expiryInterval: reader.duration(
                "EXPIRY_INTERVAL_SECONDS",
                in: .seconds,
                default: .seconds(5),
                help: "How often overdue sessions and executions are looked for"
            ),
            settings: DispatcherSettings(reader: reader)
        )
    }
}

extension DispatcherSettings {
    /// Reads the times; 0 or less means never.
    init(reader: ConfigurationReader) throws {
        func limit(_ duration: Duration) -> Duration? { duration > .zero ? duration : nil }
        self.init(
            idleThreshold: limit(
                try reader.duration(
                    "IDLE_THRESHOLD_MINUTES",
                    in: .minutes,
                    default: .zero,
                    help: "End sessions in which nothing ran for so long; 0: never"
                )
            ),
            maxLifetime: limit(
                try reader.duration(
                    "MAX_LIFETIME_HOURS",
                    in: .hours,
                    default: .zero,
                    help: "End sessions that are older than this; 0: never"
                )
            ),
            creatingTimeout: limit(
                try reader.duration(
                    "CREATING_TIMEOUT_SECONDS",
                    in: .seconds,
                    default: .seconds(300),
                    help: "Fail sessions that are not running after so long; 0: never"
                )
            ),
            executionRetention: limit(
                try reader.duration(
                    "EXECUTION_RETENTION_HOURS",
                    in: .hours,
                    default: .seconds(7 * 86_400),
                    help: "Keep executions for so long after their end; 0: for ever"
                )
            ),
            reportGrace: try reader.duration(
                "REPORT_GRACE_SECONDS",
                in: .seconds,
                default: .seconds(10),
                help: "Ask a node for an execution that is not reported so long after its timeout"
            )
        )
    }
}
