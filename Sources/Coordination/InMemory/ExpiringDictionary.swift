/// Values by name, each until its expiry.
///
/// What has expired is never seen, and is removed when the dictionary has doubled since the last time.
struct ExpiringDictionary<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var value: Value
        var expiry: ContinuousClock.Instant
    }

    private var slots: [String: Slot] = [:]
    private var purgeCount = 1024

    /// Expired values that were not removed yet count too.
    var count: Int { self.slots.count }

    func value(_ name: String, now: ContinuousClock.Instant) -> Value? {
        guard let slot = self.slots[name], slot.expiry > now else { return nil }
        return slot.value
    }

    mutating func set(
        _ name: String,
        to value: Value,
        until expiry: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) {
        self.slots[name] = Slot(value: value, expiry: expiry)
        guard self.slots.count > self.purgeCount else { return }
        self.slots = self.slots.filter { $0.value.expiry > now }
        self.purgeCount = max(1024, self.slots.count * 2)
    }

    /// Changes a value in place; its expiry stays. Nothing happens if there is none.
    mutating func update(_ name: String, _ body: (inout Value) -> Void) {
        if let index = self.slots.index(forKey: name) { body(&self.slots.values[index].value) }
    }

    mutating func remove(_ name: String) { self.slots[name] = nil }
}
