/// Which of several equal requests came first.
public protocol IdempotencyKeys: Sendable {
    /// Stores the value under the key unless there is one.
    ///
    /// - Parameter lifetime: The key is forgotten after it; more than zero. A claim of a known key does not extend it.
    func claim(_ key: String, value: [UInt8], lifetime: Duration) async throws(CoordinationError) -> IdempotencyClaim

    /// Forgets the key if this value is still under it: what it stood for did not come about.
    func withdraw(_ key: String, value: [UInt8]) async throws(CoordinationError)
}

/// What became of a claim.
public enum IdempotencyClaim: Sendable, Hashable {
    /// Nobody was here before; the value is stored.
    case first
    /// The value of whoever came first.
    case existing([UInt8])
}
