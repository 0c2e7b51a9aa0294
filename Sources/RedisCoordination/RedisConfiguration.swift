public import ServiceKit

/// Where Redis is, and how long to wait for it.
public struct RedisConfiguration: Sendable {
    public static let defaultURL = "redis://127.0.0.1:6379/0"

    public var endpoint: RedisEndpoint
    /// `nil` for the server's default user.
    public var user: String?
    /// `nil` for a server that asks for none.
    public var password: Secret?
    public var database: Int
    /// Begins all our keys, so that deployments can share a server.
    public var keyPrefix: String
    /// From a call to its answer; then it fails with `timedOut`.
    public var callTimeout: Duration
    /// For connecting and the first questions on a new connection.
    public var connectTimeout: Duration
    /// Calls without an answer at once; more are refused with `overloaded`.
    public var pendingCallLimit: Int
    /// Bytes of calls without an answer at once, in all; more are refused with `overloaded`.
    public var pendingByteLimit: Int

    /// - Parameter url: `redis://[user:password@]host[:port][/database]`, or
    ///   `redis+unix://[user:password@]/path[?db=database]`.
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(
        url: String = RedisConfiguration.defaultURL,
        keyPrefix: String = "sandbox:",
        callTimeout: Duration = .milliseconds(500),
        connectTimeout: Duration = .seconds(1),
        pendingCallLimit: Int = 65_536,
        pendingByteLimit: Int = 64 * 1_048_576
    ) throws(ConfigurationError) {
        do throws(RedisURLProblem) {
            let parsed = try RedisURL(url)
            self.endpoint = parsed.endpoint
            self.user = parsed.user
            self.password = parsed.password
            self.database = parsed.database
        } catch {
            throw ConfigurationError(key: Key.url, problem: error.text)
        }
        guard keyPrefix.utf8.count <= 128, keyPrefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ConfigurationError(key: Key.keyPrefix, problem: "must be at most 128 printable ASCII characters")
        }
        try Self.check(callTimeout, Key.callTimeout)
        try Self.check(connectTimeout, Key.connectTimeout)
        guard pendingCallLimit > 0 else { throw ConfigurationError(key: Key.calls, problem: "must be at least 1") }
        guard pendingByteLimit > 0 else { throw ConfigurationError(key: Key.bytes, problem: "must be at least 1") }
        self.keyPrefix = keyPrefix
        self.callTimeout = callTimeout
        self.connectTimeout = connectTimeout
        self.pendingCallLimit = pendingCallLimit
        self.pendingByteLimit = pendingByteLimit
    }

    /// Reads the configuration, once, at process start.
    ///
    /// - Throws: ``ConfigurationError`` naming the key; nothing is clamped silently.
    public init(reader: ConfigurationReader) throws {
        try self.init(
            url: reader.secret(
                Key.url,
                help: "Redis, as redis://[user:password@]host[:port][/database] or "
                    + "redis+unix://[user:password@]/path[?db=database]; unset: \(Self.defaultURL)"
            )?.reveal() ?? Self.defaultURL,
            keyPrefix: reader.string(
                Key.keyPrefix,
                default: "sandbox:",
                help: "Begins the names of all keys in Redis; deployments that share a server need different ones"
            ),
            callTimeout: reader.duration(
                Key.callTimeout,
                in: .seconds,
                default: .milliseconds(500),
                help: "How long Redis may take to answer before the system goes on without it"
            ),
            connectTimeout: reader.duration(
                Key.connectTimeout,
                in: .seconds,
                default: .seconds(1),
                help: "How long connecting to Redis may take"
            ),
            pendingCallLimit: reader.int(
                Key.calls,
                in: 1...10_000_000,
                default: 65_536,
                help: "Calls to Redis that may wait for their answers at once"
            ),
            pendingByteLimit: reader.int(
                Key.bytes,
                in: 1...1 << 40,
                default: 64 * 1_048_576,
                help: "Size of all calls to Redis that may wait for their answers at once"
            )
        )
    }

    private enum Key {
        static let url = "REDIS_URL"
        static let keyPrefix = "REDIS_KEY_PREFIX"
        static let callTimeout = "REDIS_TIMEOUT_SECONDS"
        static let connectTimeout = "REDIS_CONNECT_TIMEOUT_SECONDS"
        static let calls = "REDIS_PENDING_CALLS"
        static let bytes = "REDIS_PENDING_BYTES"
    }

    private static func check(_ timeout: Duration, _ key: String) throws(ConfigurationError) {
        guard timeout >= .milliseconds(1), timeout <= .seconds(3600) else {
            throw ConfigurationError(key: key, problem: "must be from 0.001 to 3600, got \(timeout)")
        }
    }
}
