/// A version of the Engine's API, such as 1.41.
struct EngineVersion: Sendable, Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int

    /// The first with all that we ask for.
    static let oldest = EngineVersion(major: 1, minor: 41)
    /// The last that is known to mean the same by what we ask for.
    static let newest = EngineVersion(major: 1, minor: 51)

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".").map { Int($0) }
        guard parts.count == 2, let major = parts[0], let minor = parts[1] else { return nil }
        self.init(major: major, minor: minor)
    }

    /// The version to speak with a daemon that speaks `offered` at most; `nil` if there is none.
    static func negotiate(_ offered: EngineVersion) -> EngineVersion? {
        offered < Self.oldest ? nil : min(offered, Self.newest)
    }

    static func < (left: Self, right: Self) -> Bool { (left.major, left.minor) < (right.major, right.minor) }

    var description: String { "\(self.major).\(self.minor)" }
}
