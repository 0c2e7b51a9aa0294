/// A path relative to a workspace, checked by its bytes alone; links are judged when it is opened.
public struct WorkspacePath: Hashable, Sendable, CustomStringConvertible {
    /// At least one, none empty, `.` or `..`.
    public let components: [String]

    /// Slashes that are doubled or last, and `.` components, mean nothing and are dropped.
    ///
    /// - Throws: ``RuntimeError/Code/invalidPath`` with the rule that is broken.
    public init(_ path: String) throws(RuntimeError) {
        func require(_ holds: Bool, _ problem: String) throws(RuntimeError) {
            guard holds else { throw RuntimeError(.invalidPath, problem) }
        }
        let bytes = path.utf8
        try require(!bytes.isEmpty, "the path is empty")
        try require(bytes.count <= 1024, "the path is longer than 1024 bytes")
        try require(bytes.first != UInt8(ascii: "/"), "the path is absolute; it must be relative to the workspace")
        try require(
            path.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
            "the path holds a control character"
        )
        // By bytes: a combining mark after a slash makes one `Character` of both.
        let components = bytes.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
        try require(!components.isEmpty, "the path names the workspace itself")
        try require(!components.contains(".."), "the path has a '..' component")
        try require(components.allSatisfy { $0.utf8.count <= 255 }, "a component is longer than 255 bytes")
        self.components = components
    }

    public var name: String { self.components[self.components.count - 1] }
    public var description: String { self.components.joined(separator: "/") }
}
