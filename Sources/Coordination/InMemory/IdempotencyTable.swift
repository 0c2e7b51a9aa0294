/// Decides which request came first.
struct IdempotencyTable: Sendable {
    private var values = ExpiringDictionary<[UInt8]>()

    mutating func claim(
        _ key: String,
        value: [UInt8],
        lifetime: Duration,
        now: ContinuousClock.Instant
    ) -> IdempotencyClaim {
        if let existing = self.values.value(key, now: now) { return .existing(existing) }
        self.values.set(key, to: value, until: now + lifetime, now: now)
        return .first
    }

    mutating func withdraw(_ key: String, value: [UInt8], now: ContinuousClock.Instant) {
        if self.values.value(key, now: now) == value { self.values.remove(key) }
    }
}
