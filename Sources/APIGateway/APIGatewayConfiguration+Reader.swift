import HTTPServer
public import ServiceKit

extension APIGatewayConfiguration {
    /// Reads the configuration, once, at process start.
    ///
    /// - Parameters:
    ///   - host: What a command line says; it wins over `HOST`.
    ///   - port: What a command line says; it wins over `PORT`.
    /// - Throws: ``ConfigurationError`` naming the key; nothing is clamped silently.
    public init(reader: ConfigurationReader, host: String? = nil, port: UInt16? = nil) throws {
        try self.init(
            http: Self.http(reader, host: host, port: port),
            cacheBytes: reader.int(
                "READ_MODEL_CACHE_MB",
                in: 0...65_536,
                default: 32,
                help: "Memory for recent templates, sessions and executions, in MiB"
            ) * 1_048_576,
            maxQueuedExecutionsPerSession: reader.int(
                "MAX_QUEUED_EXECUTIONS_PER_SESSION",
                in: 1...10_000_000,
                default: 100_000,
                help: "Executions of one session that have not ended; more are refused with 429"
            ),
            maxQueuedExecutions: reader.int(
                "MAX_QUEUED_EXECUTIONS",
                in: 1...10_000_000,
                default: 250_000,
                help: "Executions of all sessions that have not ended; more are refused with 429"
            ),
            maxUploadBytes: reader.int(
                "MAX_UPLOAD_BYTES",
                in: 1...1 << 40,
                default: 100 * 1_048_576,
                help: "Size of one uploaded file; larger ones are refused with 413"
            ),
            defaultSessionTimeout: reader.int(
                "DEFAULT_TIMEOUT",
                default: 300,
                help: "Seconds; the timeout of a session that names none"
            ),
            maxTimeout: reader.int(
                "MAX_TIMEOUT",
                default: 3600,
                help: "Seconds; the longest timeout that a session or an execution may ask for"
            ),
            maxProcesses: reader.int(
                "MAX_PROCESSES",
                default: 128,
                help: "Processes and threads that a session may have at once"
            ),
            packageIndexURL: reader.string(
                "PYTHON_PACKAGE_INDEX_URL",
                default: "https://pypi.org/simple/",
                help: "Where Python packages come from unless a session says otherwise"
            ),
            internalToken: reader.secret(
                "INTERNAL_TOKEN",
                help: "Bearer token for the internal calls; without one they are closed"
            ),
            decisionTimeout: reader.duration(
                "DECISION_TIMEOUT_SECONDS",
                in: .seconds,
                default: .seconds(10),
                help: "How long the dispatcher may take to decide on a request before it is answered with 503"
            ),
            drainTimeout: reader.duration(
                "HTTP_DRAIN_TIMEOUT_SECONDS",
                in: .seconds,
                default: .seconds(10),
                help: "How long requests under way may go on after a shutdown request"
            )
        )
    }

    private static func http(
        _ reader: ConfigurationReader,
        host: String?,
        port: UInt16?
    ) throws -> HTTPServerConfiguration {
        let address = reader.string("HOST", default: "127.0.0.1", help: "The IPv4 address to listen on")
        let number = try reader.int(
            "PORT",
            in: 0...65_535,
            default: 8000,
            help: "The port to listen on; 0 takes a free one"
        )
        let threads = try reader.int("HTTP_THREADS", in: 1...64, default: 2, help: "Threads that speak HTTP")
        let connections = try reader.int(
            "HTTP_CONNECTION_LIMIT",
            in: 64...1_000_000,
            default: 4096,
            help: "Clients connected at once; further ones wait"
        )
        do {
            return try HTTPServerConfiguration(
                host: host ?? address,
                port: port ?? UInt16(number),
                threads: threads,
                connectionLimit: connections
            )
        } catch {
            throw ConfigurationError(key: "HOST", problem: error.message)
        }
    }
}
