/// Leases on names, each with an epoch that tells an old holder from a new one.
public protocol SessionLocks: Sendable {
    /// Takes the lock if nobody holds it, and extends it for the owner who does.
    ///
    /// - Parameters:
    ///   - name: What is locked; not empty.
    ///   - owner: Who asks; not empty. One process at a time uses it.
    ///   - lease: From now on; more than zero. After it, whoever asks gets the lock.
    ///   - takingOver: Takes the lock from whoever holds it, with a higher epoch; also from an earlier life of `owner`.
    /// - Returns: The lock, or `nil` if another owner holds it. An owner who holds it already gets the same epoch.
    func acquire(
        _ name: String,
        owner: String,
        lease: Duration,
        takingOver: Bool
    ) async throws(CoordinationError) -> SessionLock?

    /// Extends locks, and tells which ones are held no more.
    ///
    /// A lock that ran out or was forgotten, and that nobody took since, is established again under its own epoch.
    /// - Returns: One answer for each lock, in order.
    func renew(_ locks: [SessionLock], lease: Duration) async throws(CoordinationError) -> [LockRenewal]

    /// Gives locks back. Those that belong to others by now stay as they are.
    func release(_ locks: [SessionLock]) async throws(CoordinationError)
}

extension SessionLocks {
    public func acquire(
        _ name: String,
        owner: String,
        lease: Duration
    ) async throws(CoordinationError) -> SessionLock? {
        try await self.acquire(name, owner: owner, lease: lease, takingOver: false)
    }
}

/// A lock that was given to an owner.
public struct SessionLock: Sendable, Hashable {
    public var name: String
    public var owner: String
    /// Grows with every change of hands. It never goes back for a name, also when everything was forgotten: it is at
    /// least the number of microseconds since 1970 when the lock was given.
    public var epoch: Int64

    public init(name: String, owner: String, epoch: Int64) {
        self.name = name
        self.owner = owner
        self.epoch = epoch
    }
}

/// What became of a lock that was to be extended.
public enum LockRenewal: Sendable, Hashable {
    /// It is ours for the lease asked for.
    case held
    /// Somebody was given a higher epoch; or it was released. The owner is `nil` if nobody holds it now.
    case lost(to: String?)
}
