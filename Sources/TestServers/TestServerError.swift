/// Why a server for tests does not run.
public struct TestServerError: Error, CustomStringConvertible {
    public var description: String
    /// Whether the same call may succeed later: only after a change of the machine.
    public var isRetriable: Bool { false }

    public init(_ description: String) { self.description = description }
}
