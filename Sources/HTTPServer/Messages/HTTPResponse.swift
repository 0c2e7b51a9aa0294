/// A response's header field.
public struct HTTPHeader: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a handler answers.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Sent by the kernel; the descriptor is closed afterwards.
        case file(HTTPFile)
        /// Written piece by piece, at the speed at which the client reads.
        case stream(HTTPStream)
    }

    /// 200 to 599.
    public var status: Int
    public var contentType: String?
    /// Beside `Content-Type`, `X-Request-ID`, `Date` and those that say how the body is framed.
    public var headers: [HTTPHeader]
    public var body: Body

    public init(_ status: Int, contentType: String? = nil, headers: [HTTPHeader] = [], body: Body = .bytes([])) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    public static func json(_ status: Int, _ bytes: [UInt8], headers: [HTTPHeader] = []) -> HTTPResponse {
        HTTPResponse(status, contentType: "application/json", headers: headers, body: .bytes(bytes))
    }

    public static func text(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status, contentType: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
    }
}

/// A body that is made while it is sent.
public struct HTTPStream: Sendable {
    /// Whether the stream has no end of its own (events, live output).
    ///
    /// On a graceful stop its task is cancelled at once and the body ends as if it were complete.
    public var isEndless: Bool
    /// Bytes of the body, if they are known: sent ahead as its length. One that ends before is cut off, which the client
    /// can tell. `nil` sends it in chunks.
    public var length: Int?
    /// Writes the body. Throwing closes the connection before the end, so that the client can tell.
    public var produce: @Sendable (HTTPBodyWriter) async throws -> Void

    public init(
        isEndless: Bool = false,
        length: Int? = nil,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) {
        self.isEndless = isEndless
        self.length = length
        self.produce = produce
    }
}
