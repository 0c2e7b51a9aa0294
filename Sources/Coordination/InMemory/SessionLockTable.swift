/// Decides who holds which lock.
struct SessionLockTable: Sendable {
    private struct Entry: Sendable {
        /// `nil` once it was released.
        var owner: String?
        var epoch: Int64
        var leaseEnd: ContinuousClock.Instant
    }

    /// How long the last epoch of a lock is remembered after its lease; later ones are above it by the clock.
    static let memory: Duration = .seconds(3600)

    private var entries = ExpiringDictionary<Entry>()
    /// The highest epoch given. It outlives ``forget()``, so that the clock's resolution does not matter.
    private var lastEpoch: Int64 = 0

    mutating func acquire(
        _ name: String,
        owner: String,
        lease: Duration,
        takingOver: Bool,
        now: CoordinationTime
    ) -> SessionLock? {
        let entry = self.entries.value(name, now: now.instant)
        if let entry, let holder = entry.owner, entry.leaseEnd > now.instant, !takingOver {
            guard holder == owner else { return nil }
            let lock = SessionLock(name: name, owner: owner, epoch: entry.epoch)
            self.store(lock, lease: lease, now: now)
            return lock
        }
        self.lastEpoch = max(self.lastEpoch + 1, now.microseconds)
        let lock = SessionLock(name: name, owner: owner, epoch: self.lastEpoch)
        self.store(lock, lease: lease, now: now)
        return lock
    }

    mutating func renew(_ lock: SessionLock, lease: Duration, now: CoordinationTime) -> LockRenewal {
        if let entry = self.entries.value(lock.name, now: now.instant) {
            let isOurs = entry.epoch < lock.epoch || (entry.epoch == lock.epoch && entry.owner == lock.owner)
            if !isOurs { return .lost(to: entry.leaseEnd > now.instant ? entry.owner : nil) }
        }
        self.store(lock, lease: lease, now: now)
        return .held
    }

    mutating func release(_ lock: SessionLock, now: CoordinationTime) {
        guard let entry = self.entries.value(lock.name, now: now.instant), entry.owner == lock.owner,
            entry.epoch == lock.epoch
        else { return }
        let released = Entry(owner: nil, epoch: entry.epoch, leaseEnd: now.instant)
        self.entries.set(lock.name, to: released, until: now.instant + Self.memory, now: now.instant)
    }

    mutating func forget() { self.entries = ExpiringDictionary() }

    private mutating func store(_ lock: SessionLock, lease: Duration, now: CoordinationTime) {
        let entry = Entry(owner: lock.owner, epoch: lock.epoch, leaseEnd: now.instant + lease)
        self.entries.set(lock.name, to: entry, until: entry.leaseEnd + Self.memory, now: now.instant)
    }
}
