import Coordination

/// A command on its way, and who waits for its answer.
struct RedisCall: Sendable {
    var bytes: [UInt8]
    var deadline: ContinuousClock.Instant
    var finish: @Sendable (Result<RedisValue, CoordinationError>) -> Void
}

/// Calls that were sent, in the order in which their answers come.
struct PendingCalls: Sendable {
    private var calls: [RedisCall?] = []
    private var head = 0

    var isEmpty: Bool { self.head == self.calls.count }
    var first: RedisCall? { self.isEmpty ? nil : self.calls[self.head] }

    mutating func append(_ call: RedisCall) { self.calls.append(call) }

    mutating func popFirst() -> RedisCall? {
        guard let first = self.first else { return nil }
        self.calls[self.head] = nil
        self.head += 1
        // Moved down when half is empty: each call is moved once on average.
        if self.head * 2 >= self.calls.count {
            self.calls.removeFirst(self.head)
            self.head = 0
        }
        return first
    }

    /// Takes those whose time is over, from the front.
    mutating func takeExpired(_ now: ContinuousClock.Instant) -> [RedisCall] {
        var expired: [RedisCall] = []
        while let first = self.first, first.deadline <= now, let call = self.popFirst() { expired.append(call) }
        return expired
    }

    mutating func takeAll() -> [RedisCall] {
        defer { self = PendingCalls() }
        return self.calls[self.head...].compactMap(\.self)
    }
}
