/// A route's pattern, taken apart.
struct RoutePattern: Sendable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case tail(String)

        init(_ text: some StringProtocol) {
            guard text.hasPrefix("{"), text.hasSuffix("}") else {
                self = .literal(String(text))
                return
            }
            let name = text.dropFirst().dropLast()
            self = name.hasSuffix("...") ? .tail(String(name.dropLast(3))) : .parameter(String(name))
        }

        var parameterName: String? {
            switch self {
            case .literal: nil
            case .parameter(let name), .tail(let name): name
            }
        }
    }

    let segments: [Segment]

    init(_ pattern: String) throws(HTTPServerError) {
        guard pattern.hasPrefix("/") else {
            throw HTTPServerError(.invalidRoute, "\"\(pattern)\" does not begin with /")
        }
        self.segments =
            pattern == "/"
            ? [] : pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Segment($0) }
        var names: Set<String> = []
        for (index, segment) in self.segments.enumerated() {
            switch segment {
            case .literal(let text):
                guard !text.isEmpty, !text.contains(where: { "{}%?#".contains($0) }) else {
                    throw HTTPServerError(.invalidRoute, "\"\(pattern)\" has the bad segment \"\(text)\"")
                }
            case .parameter(let name), .tail(let name):
                guard !name.isEmpty, names.insert(name).inserted else {
                    throw HTTPServerError(.invalidRoute, "\"\(pattern)\" has an empty or a repeated name")
                }
                if case .tail = segment, index != self.segments.count - 1 {
                    throw HTTPServerError(.invalidRoute, "\"\(pattern)\" goes on after a tail")
                }
            }
        }
    }
}
