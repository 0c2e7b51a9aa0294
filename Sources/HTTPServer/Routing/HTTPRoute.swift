/// One route, as data.
public struct HTTPRoute: Sendable {
    public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse
    public typealias ImmediateHandler = @Sendable (HTTPRequest) -> HTTPResponse?

    /// What happens to a request's body.
    public enum BodyPolicy: Sendable, Equatable {
        /// None is expected; a small one is read and dropped.
        case none
        /// Collected before the handler runs. Over `limit` bytes: 413.
        case buffered(limit: Int)
        /// The handler starts at once and reads it piece by piece. Over `limit` bytes: 413.
        case streamed(limit: Int)

        /// Bytes that may be read of it.
        var limit: Int {
            switch self {
            case .none: 65_536
            case .buffered(let limit), .streamed(let limit): limit
            }
        }

        var isStreamed: Bool {
            if case .streamed = self { return true }
            return false
        }
    }

    public let method: HTTPMethod
    /// Literal segments, `{name}` for one segment and, as the last, `{name...}` for all that follows.
    public let pattern: String
    public let body: BodyPolicy
    /// Called before the body is read, without it; what it answers refuses the request.
    public let admit: ImmediateHandler?
    /// Called on a thread of the protocol, so it must not wait for anything; `nil` goes on to ``handler``.
    public let immediate: ImmediateHandler?
    /// Its task is cancelled when the client leaves.
    public let handler: Handler
    /// The names in `pattern`, in order.
    public let parameterNames: [String]

    public init(
        _ method: HTTPMethod,
        _ pattern: String,
        body: BodyPolicy = .none,
        admit: ImmediateHandler? = nil,
        immediate: ImmediateHandler? = nil,
        handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.body = body
        self.admit = admit
        self.immediate = immediate
        self.handler = handler
        self.parameterNames = pattern.split(separator: "/").compactMap { RoutePattern.Segment($0).parameterName }
    }

    /// A route that always answers at once, on a thread of the protocol.
    public static func immediate(
        _ method: HTTPMethod,
        _ pattern: String,
        body: BodyPolicy = .none,
        admit: ImmediateHandler? = nil,
        _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) -> HTTPRoute {
        HTTPRoute(method, pattern, body: body, admit: admit, immediate: { answer($0) }, handler: { answer($0) })
    }
}
