/// Names one sandbox of a node, for as long as it lives.
///
/// It is a safe file name: 1–128 letters, digits, `.`, `_` or `-`, and not one that begins with a dot.
public struct SandboxID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// - Throws: ``RuntimeError/Code/invalidSpec`` if `rawValue` could mean something to a file system.
    public init(_ rawValue: String) throws(RuntimeError) {
        let bytes = rawValue.utf8
        let isSafe = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isSafe, (1...128).contains(bytes.count), bytes.first != UInt8(ascii: ".") else {
            throw RuntimeError(.invalidSpec, "a sandbox id is 1-128 letters, digits, '.', '_', '-', not led by a dot")
        }
        self.rawValue = rawValue
    }

    public var description: String { self.rawValue }
}
