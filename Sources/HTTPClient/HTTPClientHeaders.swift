/// Header lines in order. Names differ in nothing by case; one may come several times.
public struct HTTPClientHeaders: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var lines: [(name: String, value: String)] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        self.lines = elements.map { (name: $0, value: $1) }
    }

    public mutating func add(_ name: String, _ value: String) { self.lines.append((name, value)) }

    /// The first value of a name. Setting replaces all of them.
    public subscript(name: String) -> String? {
        get { self.lines.first { Self.areEqual($0.name, name) }?.value }
        set {
            self.lines.removeAll { Self.areEqual($0.name, name) }
            if let newValue { self.add(name, newValue) }
        }
    }

    private static func areEqual(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
    }
}
