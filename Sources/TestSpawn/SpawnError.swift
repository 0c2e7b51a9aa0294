/// A program could not be started, or did not do what it was started for.
public struct SpawnError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
