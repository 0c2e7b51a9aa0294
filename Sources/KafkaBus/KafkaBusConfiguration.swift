public import ServiceKit

/// Settings of a ``KafkaBus``.
public struct KafkaBusConfiguration: Sendable {
    /// How connections are protected.
    public enum SecurityProtocol: String, Sendable, CaseIterable {
        case plaintext
        case ssl
        case saslPlaintext = "sasl_plaintext"
        case saslSSL = "sasl_ssl"

        var usesSASL: Bool { self == .saslPlaintext || self == .saslSSL }
    }

    /// `host:port`, several separated by commas.
    public var bootstrapServers: String
    /// Before the names of topics and groups, for clusters that are shared. Defaults to nothing.
    public var topicPrefix: String
    /// Copies of each partition, for topics that are made. Defaults to 1.
    public var replicationFactor: Int
    public var security: SecurityProtocol
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`; with SASL only.
    public var saslMechanism: String
    public var saslUser: String
    public var saslPassword: Secret?
    /// Certificates of authorities, in PEM; the system's by default.
    public var caPath: String?
    /// Our own certificate and its key, in PEM.
    public var certificatePath: String?
    public var keyPath: String?
    /// A member of a group that is silent for so long is replaced. Defaults to 6 s, the least that brokers allow by default.
    public var sessionTimeout: Duration
    /// How long a message may take to be stored before its publisher is told that it cannot be. Defaults to 10 s.
    public var messageTimeout: Duration
    /// Bytes of messages that wait to be stored; publishers wait beyond it. Defaults to 64 MiB.
    public var queueBytes: Int
    /// Bytes of a message, with its key. Defaults to 16 MiB: an execution's code, event and outputs at their limits.
    public var maxMessageBytes: Int

    /// - Throws: ``ConfigurationError`` naming the key.
    public init(
        bootstrapServers: String,
        topicPrefix: String = "",
        replicationFactor: Int = 1,
        security: SecurityProtocol = .plaintext,
        saslMechanism: String = "SCRAM-SHA-512",
        saslUser: String = "",
        saslPassword: Secret? = nil,
        caPath: String? = nil,
        certificatePath: String? = nil,
        keyPath: String? = nil,
        sessionTimeout: Duration = .seconds(6),
        messageTimeout: Duration = .seconds(10),
        queueBytes: Int = 64 << 20,
        maxMessageBytes: Int = 16 << 20
    ) throws {
        func require(_ holds: Bool, _ key: String, _ problem: String) throws {
            if !holds { throw ConfigurationError(key: key, problem: problem) }
        }
        try require(
            !bootstrapServers.isEmpty && bootstrapServers.split(separator: ",").allSatisfy { $0.contains(":") },
            "KAFKA_BOOTSTRAP_SERVERS",
            "must be host:port, several separated by commas, got \"\(bootstrapServers)\""
        )
        try require(
            topicPrefix.utf8.count <= 64 && topicPrefix.unicodeScalars.allSatisfy(Self.isNameCharacter),
            "KAFKA_TOPIC_PREFIX",
            "must be letters, digits, '.', '_' or '-', 64 at most"
        )
        try require((1...9).contains(replicationFactor), "KAFKA_REPLICATION_FACTOR", "must be from 1 to 9")
        try require(
            !security.usesSASL || (!saslUser.isEmpty && saslPassword != nil),
            "KAFKA_SASL_USERNAME",
            "and KAFKA_SASL_PASSWORD must be set with KAFKA_SECURITY_PROTOCOL=\(security.rawValue)"
        )
        try require(
            ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].contains(saslMechanism),
            "KAFKA_SASL_MECHANISM",
            "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
        try require(
            (certificatePath == nil) == (keyPath == nil),
            "KAFKA_SSL_KEY_LOCATION",
            "and KAFKA_SSL_CERTIFICATE_LOCATION must be set together"
        )
        // Below 2.5 s librdkafka gets no assignment.
        try require(
            sessionTimeout >= .milliseconds(2500) && sessionTimeout <= .seconds(300),
            "KAFKA_SESSION_TIMEOUT_SECONDS",
            "must be from 2.5 to 300"
        )
        try require(
            messageTimeout >= .seconds(1) && messageTimeout <= .seconds(3600),
            "KAFKA_MESSAGE_TIMEOUT_SECONDS",
            "must be from 1 to 3600"
        )
        try require(queueBytes >= 1 << 20, "KAFKA_QUEUE_BYTES", "must be 1 MiB or more")
        try require(
            (1 << 20...1 << 30).contains(maxMessageBytes),
            "KAFKA_MAX_MESSAGE_BYTES",
            "must be from 1 MiB to 1 GiB"
        )
        self.bootstrapServers = bootstrapServers
        self.topicPrefix = topicPrefix
        self.replicationFactor = replicationFactor
        self.security = security
        self.saslMechanism = saslMechanism
        self.saslUser = saslUser
        self.saslPassword = saslPassword
        self.caPath = caPath
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.sessionTimeout = sessionTimeout
        self.messageTimeout = messageTimeout
        self.queueBytes = queueBytes
        self.maxMessageBytes = maxMessageBytes
    }

    private static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar))
    }

    /// Reads the configuration, once, at process start.
    ///
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(reader: ConfigurationReader) throws {
        guard let servers = reader.string("KAFKA_BOOTSTRAP_SERVERS", help: "Brokers of the log, as host:port,…") else {
            throw ConfigurationError(key: "KAFKA_BOOTSTRAP_SERVERS", problem: "must be set, as host:port")
        }
        try self.init(
            bootstrapServers: servers,
            topicPrefix: reader.string(
                "KAFKA_TOPIC_PREFIX",
                default: "",
                help: "Before the names of topics and groups"
            ),
            replicationFactor: reader.int(
                "KAFKA_REPLICATION_FACTOR",
                default: 1,
                help: "Copies of each partition, for topics that are made; 3 in production"
            ),
            security: reader.choice(
                "KAFKA_SECURITY_PROTOCOL",
                default: SecurityProtocol.plaintext,
                help: "How connections are protected"
            ),
            saslMechanism: reader.string(
                "KAFKA_SASL_MECHANISM",
                default: "SCRAM-SHA-512",
                help: "With SASL: how to log in"
            ),
            saslUser: reader.string("KAFKA_SASL_USERNAME", default: "", help: "With SASL: the name"),
            saslPassword: reader.secret("KAFKA_SASL_PASSWORD", help: "With SASL: the password"),
            caPath: reader.string("KAFKA_SSL_CA_LOCATION", help: "With SSL: authorities in PEM, if not the system's"),
            certificatePath: reader.string("KAFKA_SSL_CERTIFICATE_LOCATION", help: "With SSL: our certificate, in PEM"),
            keyPath: reader.string("KAFKA_SSL_KEY_LOCATION", help: "With SSL: the key of our certificate, in PEM"),
            sessionTimeout: reader.duration(
                "KAFKA_SESSION_TIMEOUT_SECONDS",
                in: .seconds,
                default: .seconds(6),
                help: "A member of a group that is silent for so long is replaced"
            ),
            messageTimeout: reader.duration(
                "KAFKA_MESSAGE_TIMEOUT_SECONDS",
                in: .seconds,
                default: .seconds(10),
                help: "How long a record may take to be stored before whoever writes it is told"
            ),
            queueBytes: reader.int(
                "KAFKA_QUEUE_BYTES",
                default: 64 << 20,
                help: "Records that wait to be stored, in bytes"
            ),
            maxMessageBytes: reader.int(
                "KAFKA_MAX_MESSAGE_BYTES",
                default: 16 << 20,
                help: "The largest record, in bytes"
            )
        )
    }
}
