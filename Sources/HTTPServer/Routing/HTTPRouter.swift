/// Finds the route of a request, and makes the answers of those that have none.
public struct HTTPRouter: Sendable {
    /// Makes the body of an error that the server answers by itself, as JSON.
    ///
    /// Called with the status, a stable code such as `not_found`, and a sentence for the client.
    public typealias ErrorBody = @Sendable (_ status: Int, _ code: String, _ message: String) -> [UInt8]

    /// As declared.
    public let routes: [HTTPRoute]
    /// Whether a path with a slash too many at its end is redirected (307) to the route without it.
    public let redirectsTrailingSlash: Bool
    private let tree: RouteTree
    private let errorBody: ErrorBody

    /// - Throws: ``HTTPServerError`` with `.invalidRoute` for a pattern that is none, or a route declared twice.
    public init(
        _ routes: [HTTPRoute],
        redirectsTrailingSlash: Bool = false,
        errorBody: @escaping ErrorBody = HTTPRouter.plainErrorBody
    ) throws(HTTPServerError) {
        var tree = RouteTree()
        for route in routes { try tree.insert(route) }
        self.tree = tree
        self.routes = routes
        self.redirectsTrailingSlash = redirectsTrailingSlash
        self.errorBody = errorBody
    }

    /// `{"code":…,"message":…}`.
    @Sendable public static func plainErrorBody(_ status: Int, _ code: String, _ message: String) -> [UInt8] {
        Array(#"{"code":"\#(code)","message":"\#(message)"}"#.utf8)
    }

    /// Answers a request that no connection brought, as a connection would: for tests of handlers.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let head = request.head
        switch self.resolve(method: head.method, bytes: head.bytes, path: head.path, query: head.query) {
        case .answer(let response): return response
        case .route(let match):
            let matched = head.matched(match)
            let empty = HTTPRequest(head: matched, body: .buffered([]))
            if let refusal = match.entry.route.admit?(empty) { return refusal }
            if request.bytes.count > match.entry.route.body.limit { return self.error(.contentTooLarge) }
            let request = HTTPRequest(head: matched, body: request.body)
            if !match.entry.route.body.isStreamed, let response = match.entry.route.immediate?(request) {
                return response
            }
            return await match.entry.route.handler(request)
        }
    }
}

extension HTTPRouter {
    enum Resolution {
        case route(RouteMatch)
        case answer(HTTPResponse)
    }

    /// - Parameter path: Where the path stands in `bytes`, followed by the query.
    func resolve(method: HTTPMethod, bytes: [UInt8], path: Range<Int>, query: Range<Int>) -> Resolution {
        bytes.withUnsafeBufferPointer { bytes in
            let raw = UnsafeBufferPointer(rebasing: bytes[path])
            guard raw.first == UInt8(ascii: "/") else {
                guard method == .options, raw.elementsEqual(CollectionOfOne(UInt8(ascii: "*"))) else {
                    return .answer(self.error(.malformedTarget))
                }
                return .answer(Self.options(HTTPMethod.allCases.filter { $0 != .trace && $0 != .connect }))
            }
            guard Self.isWellFormed(raw, allowsNull: false),
                Self.isWellFormed(UnsafeBufferPointer(rebasing: bytes[query]), allowsNull: true)
            else { return .answer(self.error(.malformedTarget)) }
            let wanted = method == .head ? HTTPMethod.get : method
            guard
                let found = self.tree.find(raw, method: method) ?? self.tree.find(raw, method: wanted)
                    ?? self.tree.find(raw)
            else {
                return .answer(self.redirect(bytes: bytes, path: path, query: query) ?? self.error(.notFound))
            }
            if let entry = found.endpoint.first(where: { $0.route.method == method })
                ?? found.endpoint.first(where: { $0.route.method == wanted })
            {
                return .route(RouteMatch(entry: entry, captures: found.captures))
            }
            var allowed = found.endpoint.map(\.route.method)
            if allowed.contains(.get), !allowed.contains(.head) { allowed.append(.head) }
            if method == .options { return .answer(Self.options(allowed + [.options])) }
            var response = self.error(.methodNotAllowed)
            response.headers.append(Self.allow(allowed + [.options]))
            return .answer(response)
        }
    }

    /// A library-made answer, in the shape that the router's owner chose.
    func error(_ refusal: Refusal) -> HTTPResponse {
        .json(refusal.status, self.errorBody(refusal.status, refusal.code, refusal.message))
    }

    private static func allow(_ methods: [HTTPMethod]) -> HTTPHeader {
        HTTPHeader("Allow", methods.map(\.rawValue).joined(separator: ", "))
    }

    private static func options(_ methods: [HTTPMethod]) -> HTTPResponse {
        HTTPResponse(204, headers: [Self.allow(methods)])
    }

    private func redirect(bytes: UnsafeBufferPointer<UInt8>, path: Range<Int>, query: Range<Int>) -> HTTPResponse? {
        guard self.redirectsTrailingSlash, path.count > 1, bytes[path.upperBound - 1] == UInt8(ascii: "/") else {
            return nil
        }
        let shorter = path.lowerBound..<(path.upperBound - 1)
        // A location that begins with two slashes would name another host.
        guard bytes[shorter].starts(with: [UInt8(ascii: "/")]), !bytes[shorter].starts(with: Array("//".utf8)),
            self.tree.find(UnsafeBufferPointer(rebasing: bytes[shorter])) != nil
        else { return nil }
        let suffix = query.isEmpty ? [] : Array("?".utf8) + bytes[query]
        let location = String(decoding: Array(bytes[shorter]) + suffix, as: UTF8.self)
        return HTTPResponse(307, headers: [HTTPHeader("Location", location)])
    }

    private static func isWellFormed(_ text: UnsafeBufferPointer<UInt8>, allowsNull: Bool) -> Bool {
        guard text.contains(UInt8(ascii: "%")) else { return true }
        guard let decoded = PercentEncoding.decode(text) else { return false }
        return (allowsNull || !decoded.contains(0)) && String(validating: decoded, as: UTF8.self) != nil
    }
}
