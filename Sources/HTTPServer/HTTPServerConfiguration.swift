/// Where a server listens and what a client may ask of it.
public struct HTTPServerConfiguration: Sendable, Equatable {
    /// An IPv4 address, or `localhost`. Defaults to 127.0.0.1.
    public var host: String
    /// 0 takes a free one. Defaults to 8000.
    public var port: UInt16
    /// Threads that do the protocol, 1 to 64. Handlers that are async do not run on them. Defaults to 2.
    public var threads: Int
    /// Clients at a time; the next ones wait in the backlog. Defaults to 4096.
    public var connectionLimit: Int
    /// Time for a request's head to arrive. Defaults to 10 s.
    public var headerTimeout: Duration
    /// Time for a request's body to arrive. Defaults to 10 minutes.
    public var bodyTimeout: Duration
    /// How long a connection may wait for its next request. Defaults to 60 s.
    public var keepAliveTimeout: Duration
    /// How long a client may take nothing of an answer. Defaults to 60 s.
    public var stallTimeout: Duration
    /// Bytes per second below which a client that takes an answer is cut off. Defaults to 1024.
    public var minimumDownloadRate: Int
    /// Bytes for the head and the buffers of one connection.
    ///
    /// Defaults to 40,960: unlike 32,768 and less, that is mapped and given back to the system.
    public var connectionMemory: Int
    /// Bytes of a request's head. Defaults to 16,384.
    public var headLimit: Int
    /// Defaults to 100.
    public var maxHeaders: Int

    /// - Throws: ``HTTPServerError`` with `.invalidConfiguration`, naming the setting.
    public init(
        host: String = "127.0.0.1",
        port: UInt16 = 8000,
        threads: Int = 2,
        connectionLimit: Int = 4096,
        headerTimeout: Duration = .seconds(10),
        bodyTimeout: Duration = .seconds(600),
        keepAliveTimeout: Duration = .seconds(60),
        stallTimeout: Duration = .seconds(60),
        minimumDownloadRate: Int = 1024,
        connectionMemory: Int = 40_960,
        headLimit: Int = 16_384,
        maxHeaders: Int = 100
    ) throws(HTTPServerError) {
        self.host = host
        self.port = port
        self.threads = threads
        self.connectionLimit = connectionLimit
        self.headerTimeout = headerTimeout
        self.bodyTimeout = bodyTimeout
        self.keepAliveTimeout = keepAliveTimeout
        self.stallTimeout = stallTimeout
        self.minimumDownloadRate = minimumDownloadRate
        self.connectionMemory = connectionMemory
        self.headLimit = headLimit
        self.maxHeaders = maxHeaders
        try self.validate()
    }

    private func validate() throws(HTTPServerError) {
        func require(_ isValid: Bool, _ key: String, _ range: String) throws(HTTPServerError) {
            if !isValid { throw HTTPServerError(.invalidConfiguration, "\(key) must be \(range)") }
        }
        try require(self.address != nil, "host", "an IPv4 address or \"localhost\", not \"\(self.host)\"")
        try require((1...64).contains(self.threads), "threads", "1 to 64")
        try require((1...1_000_000).contains(self.connectionLimit), "connectionLimit", "1 to 1,000,000")
        try require(self.connectionLimit >= self.threads, "connectionLimit", "at least the number of threads")
        for (key, value) in [
            ("headerTimeout", self.headerTimeout), ("bodyTimeout", self.bodyTimeout),
            ("keepAliveTimeout", self.keepAliveTimeout), ("stallTimeout", self.stallTimeout),
        ] {
            try require(value > .zero && value <= .seconds(86_400), key, "over zero, and a day at most")
        }
        try require((1...1_000_000_000).contains(self.minimumDownloadRate), "minimumDownloadRate", "1 to 1,000,000,000")
        try require((8192...1_048_576).contains(self.connectionMemory), "connectionMemory", "8192 to 1,048,576")
        try require(
            (1024...self.connectionMemory / 2).contains(self.headLimit),
            "headLimit",
            "1024 to half of connectionMemory"
        )
        try require((1...10_000).contains(self.maxHeaders), "maxHeaders", "1 to 10,000")
    }

    /// The address to bind, in text.
    var address: String? {
        if self.host == "localhost" { return "127.0.0.1" }
        let parts = self.host.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (48...57).contains($0) }
                    && UInt8(part) != nil && (part.count == 1 || part.first != "0")
            }
        return isAddress ? self.host : nil
    }
}
