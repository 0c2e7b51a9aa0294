import Glibc

/// A route in the tree: one reference, where the value would be a handful on every request.
final class RouteEntry: Sendable {
    let route: HTTPRoute

    init(_ route: HTTPRoute) { self.route = route }
}

/// A route that was found for a path, and where its parameters stand in it.
struct RouteMatch: Sendable {
    var entry: RouteEntry
    /// Offsets in the raw path, in the order of the route's names.
    var captures: [Range<Int>]
}

/// The routes by path segment. Literals win over parameters, and those over tails; a dead end is left again.
struct RouteTree: Sendable {
    /// The routes of one path, by method: few, so they are searched one by one.
    typealias Endpoint = [RouteEntry]

    struct Found {
        var endpoint: Endpoint
        var captures: [Range<Int>]
        fileprivate var method: HTTPMethod?

        fileprivate func takes(_ endpoint: Endpoint) -> Bool {
            endpoint.contains { self.method == nil || $0.route.method == self.method }
        }
    }

    private struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        var parameter: Int?
        var endpoint: Endpoint = []
        var tail: Endpoint = []
    }

    private var nodes = [Node()]

    mutating func insert(_ route: HTTPRoute) throws(HTTPServerError) {
        let pattern = try RoutePattern(route.pattern)
        var node = 0
        for segment in pattern.segments {
            switch segment {
            case .literal(let text):
                let bytes = Array(text.utf8)
                if let known = self.nodes[node].literals.first(where: { $0.text == bytes }) {
                    node = known.node
                } else {
                    self.nodes[node].literals.append((bytes, self.nodes.count))
                    node = self.appendNode()
                }
            case .parameter:
                if let known = self.nodes[node].parameter {
                    node = known
                } else {
                    self.nodes[node].parameter = self.nodes.count
                    node = self.appendNode()
                }
            case .tail:
                try Self.add(route, to: &self.nodes[node].tail)
                return
            }
        }
        try Self.add(route, to: &self.nodes[node].endpoint)
    }

    private mutating func appendNode() -> Int {
        self.nodes.append(Node())
        return self.nodes.count - 1
    }

    private static func add(_ route: HTTPRoute, to endpoint: inout Endpoint) throws(HTTPServerError) {
        guard !endpoint.contains(where: { $0.route.method == route.method }) else {
            throw HTTPServerError(.invalidRoute, "\(route.method.rawValue) \(route.pattern) is declared twice")
        }
        endpoint.append(RouteEntry(route))
    }

    /// - Parameters:
    ///   - path: Begins with `/`, and its escapes are well-formed.
    ///   - method: A literal that lacks it gives way to a parameter or tail that has it. `nil` takes the first that is there.
    func find(_ path: UnsafeBufferPointer<UInt8>, method: HTTPMethod? = nil) -> Found? {
        var found = Found(endpoint: [], captures: [], method: method)
        if path.count == 1, !self.nodes[0].endpoint.isEmpty {
            found.endpoint = self.nodes[0].endpoint
            return found
        }
        let isEscaped = path.contains(UInt8(ascii: "%"))
        return self.descend(from: 0, at: 1, in: path, isEscaped: isEscaped, into: &found) ? found : nil
    }

    private func descend(
        from index: Int,
        at start: Int,
        in path: UnsafeBufferPointer<UInt8>,
        isEscaped: Bool,
        into found: inout Found
    ) -> Bool {
        if start > path.count {
            found.endpoint = self.nodes[index].endpoint
            return found.takes(found.endpoint)
        }
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let segment = UnsafeBufferPointer(rebasing: path[start..<end])
        let decoded = isEscaped ? PercentEncoding.decode(segment) : nil
        for literal in self.nodes[index].literals
        where decoded.map({ $0 == literal.text }) ?? Self.isSame(segment, literal.text) {
            if self.descend(from: literal.node, at: end + 1, in: path, isEscaped: isEscaped, into: &found) {
                return true
            }
        }
        // An escaped slash makes no parameter: what is named here is one segment.
        if let next = self.nodes[index].parameter, end > start, decoded?.contains(UInt8(ascii: "/")) != true {
            found.captures.append(start..<end)
            if self.descend(from: next, at: end + 1, in: path, isEscaped: isEscaped, into: &found) { return true }
            found.captures.removeLast()
        }
        guard found.takes(self.nodes[index].tail) else { return false }
        found.endpoint = self.nodes[index].tail
        found.captures.append(start..<path.count)
        return true
    }

    private static func isSame(_ segment: UnsafeBufferPointer<UInt8>, _ text: [UInt8]) -> Bool {
        guard let base = segment.baseAddress, segment.count == text.count else { return false }
        return memcmp(base, text, text.count) == 0
    }
}
