/// A request that passed every check of the protocol and found its route.
public struct HTTPRequest: Sendable {
    /// What came after the head.
    public enum Body: Sendable {
        /// All of it; empty if there was none.
        case buffered([UInt8])
        case streamed(HTTPBodyReader)
    }

    let head: RequestHead
    public let body: Body

    init(head: RequestHead, body: Body) {
        self.head = head
        self.body = body
    }

    /// A request that no connection brought, for ``HTTPRouter/respond(to:)``.
    public init(
        _ method: HTTPMethod,
        _ target: String,
        headers: [HTTPHeader] = [],
        body: Body = .buffered([])
    ) {
        var contentLength = 0
        if case .buffered(let bytes) = body { contentLength = bytes.count }
        self.head = RequestHead(
            method: method,
            target: target,
            headers: headers,
            contentLength: contentLength,
            match: nil
        )
        self.body = body
    }

    public var method: HTTPMethod { self.head.method }

    /// The client's `X-Request-ID` if it is 1 to 128 of `[A-Za-z0-9._-]`, else one of ours.
    public var id: String { self.head.id }

    /// The body's declared length; `nil` for a chunked one.
    public var contentLength: Int? { self.head.contentLength }

    /// The pattern of the route, as declared.
    public var routePattern: String { self.head.match?.entry.route.pattern ?? "" }

    /// The path as it was sent, percent-encoded.
    public var rawPath: String { self.head.text(self.head.path) }

    /// The buffered body; empty for a streamed one.
    public var bytes: [UInt8] {
        if case .buffered(let bytes) = self.body { return bytes }
        return []
    }

    /// The reader of a streamed body.
    public var reader: HTTPBodyReader? {
        if case .streamed(let reader) = self.body { return reader }
        return nil
    }

    // MARK: - Parameters of the path

    /// What stood in the place of the route's parameters, decoded; valid UTF-8 without NUL.
    public var parameters: HTTPParameters { HTTPParameters(head: self.head) }

    // MARK: - Query

    /// The query as it was sent, without `?`.
    public var rawQuery: String { self.head.text(self.head.query) }

    /// The values given for `name`, decoded, in order. A name without `=` has the value `""`.
    ///
    /// Every escape is known to be well-formed and to decode to UTF-8: other requests were refused with 400.
    public func query(_ name: String) -> [String] {
        self.queryItems.filter { $0.name == name }.map(\.value)
    }

    /// Names and values of the query, decoded, in order.
    public var queryItems: [(name: String, value: String)] {
        let query = self.head.bytes[self.head.query]
        guard !query.isEmpty else { return [] }
        return query.split(separator: UInt8(ascii: "&")).compactMap { item in
            let end = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            guard let name = PercentEncoding.decodeText(item[..<end], plusIsBlank: true),
                let value = PercentEncoding.decodeText(item[end...].dropFirst(), plusIsBlank: true)
            else { return nil }
            return (name, value)
        }
    }

    // MARK: - Headers

    /// The first value of a header, without blanks around it. Invalid UTF-8 is repaired to U+FFFD.
    public func header(_ name: String) -> String? { self.head.firstValue(of: name).map(self.head.text) }

    /// All values of a header, a line each.
    public func headerValues(_ name: String) -> [String] { self.head.values(of: name).map(self.head.text) }

    /// All header lines, in order.
    public var headers: [HTTPHeader] {
        var headers: [HTTPHeader] = []
        self.head.forEachField { name, value in
            headers.append(HTTPHeader(self.head.text(name), self.head.text(value)))
            return true
        }
        return headers
    }
}

/// The parameters of a route, by name.
public struct HTTPParameters: Sendable {
    let head: RequestHead

    /// The decoded value; `nil` if the route has no parameter of that name.
    public subscript(_ name: String) -> String? {
        self.range(name).flatMap { PercentEncoding.decodeText(self.head.bytes[$0]) }
    }

    /// The value as it was sent, percent-encoded.
    public func raw(_ name: String) -> String? { self.range(name).map(self.head.text) }

    private func range(_ name: String) -> Range<Int>? {
        guard let match = self.head.match, let index = match.entry.route.parameterNames.firstIndex(of: name) else {
            return nil
        }
        let capture = match.captures[index]
        let start = self.head.path.lowerBound
        return (start + capture.lowerBound)..<(start + capture.upperBound)
    }
}
