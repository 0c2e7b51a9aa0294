/// What is asked of a server.
public struct HTTPClientRequest: Sendable {
    /// A stretch of a body.
    public enum Segment: Sendable {
        case bytes([UInt8])
        /// `count` bytes of an open file from `offset`. The file must be seekable, and stay open and as long.
        case file(descriptor: Int32, offset: Int, count: Int)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(_, _, let count): count
            }
        }
    }

    /// One that is not idempotent is sent once, on a connection of its own. Another that a kept connection loses, by its end,
    /// is sent again.
    public var method: String
    /// `http` or `https`. For a Unix socket the host only gives the `Host` line.
    public var url: String
    /// Connects to this socket instead of the URL's host.
    public var unixSocketPath: String?
    public var headers: HTTPClientHeaders
    /// Sent one after the other, with their length ahead; `nil` sends none.
    public var body: [Segment]?
    /// For all of it, answer included; `nil` waits for ever. Defaults to 60 s.
    public var timeout: Duration?
    /// Defaults to 10 s.
    public var connectTimeout: Duration
    /// Bytes of the answer's body that are kept in memory; more is an error. Defaults to 16 MiB.
    public var maxBodySize: Int
    /// Follows up to 10 redirects. Defaults to none: the 3xx is the answer.
    public var followsRedirects: Bool

    public init(
        _ method: String = "GET",
        _ url: String,
        unixSocketPath: String? = nil,
        headers: HTTPClientHeaders = [:],
        body: [Segment]? = nil,
        timeout: Duration? = .seconds(60),
        connectTimeout: Duration = .seconds(10),
        maxBodySize: Int = 16 << 20,
        followsRedirects: Bool = false
    ) {
        self.method = method
        self.url = url
        self.unixSocketPath = unixSocketPath
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.maxBodySize = maxBodySize
        self.followsRedirects = followsRedirects
    }

    /// Whether a server that gets it twice does what it does once (RFC 9110, 9.2.2).
    var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(self.method) }

    /// A request with a body of JSON.
    public static func json(_ method: String, _ url: String, _ body: [UInt8]) -> HTTPClientRequest {
        HTTPClientRequest(method, url, headers: ["Content-Type": "application/json"], body: [.bytes(body)])
    }
}

/// What a server answered.
public struct HTTPClientResponse: Sendable {
    public var status: Int
    public var headers: HTTPClientHeaders
    /// Empty where the body went elsewhere.
    public var body: [UInt8]

    public init(status: Int, headers: HTTPClientHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Whether the status is 2xx.
    public var isSuccess: Bool { (200..<300).contains(self.status) }
    /// The body as text; what is no UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: self.body, as: UTF8.self) }
}
