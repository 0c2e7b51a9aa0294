/// Decides which record is the newest.
struct StatusTable: Sendable {
    private struct Entry: Sendable {
        var version: Int
        /// `nil` for what was removed.
        var value: [UInt8]?
    }

    private var stored = ExpiringDictionary<Entry>()

    mutating func put(_ entry: StatusEntry, lifetime: Duration, now: ContinuousClock.Instant) {
        if let old = self.stored.value(entry.key, now: now) {
            guard entry.version > old.version || (entry.version == old.version && old.value != nil) else { return }
        }
        let new = Entry(version: entry.version, value: entry.value)
        self.stored.set(entry.key, to: new, until: now + lifetime, now: now)
    }

    func entry(_ key: String, now: ContinuousClock.Instant) -> StatusEntry? {
        guard let entry = self.stored.value(key, now: now), let value = entry.value else { return nil }
        return StatusEntry(key: key, version: entry.version, value: value)
    }

    mutating func remove(_ removal: StatusRemoval, lifetime: Duration, now: ContinuousClock.Instant) {
        let old = self.stored.value(removal.key, now: now)?.version
        let version = removal.version ?? old ?? 0
        if let old, old > version { return }
        self.stored.set(removal.key, to: Entry(version: version), until: now + lifetime, now: now)
    }
}
