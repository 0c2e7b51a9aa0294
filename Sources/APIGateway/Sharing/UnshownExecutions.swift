import Messages

/// Executions of the last while whose end no client was told of here: other gateways need not know of it before one is.
struct UnshownExecutions: Sendable {
    typealias Instant = ContinuousClock.Instant

    private let lifetime: Duration
    /// With when each came last.
    private var latest: [ExecutionID: Instant] = [:]
    /// In order of arrival; those that were shown since, or came again, are in it still.
    private var arrivals: [(id: ExecutionID, at: Instant)] = []
    /// Arrivals before it are over; they are dropped in bulk.
    private var head = 0

    /// - Parameter lifetime: After so long every gateway has followed the log to where it stands.
    init(lifetime: Duration) { self.lifetime = lifetime }

    /// Whether it came within the lifetime and its end was not shown.
    func contains(_ id: ExecutionID) -> Bool { self.latest[id] != nil }

    mutating func insert(_ id: ExecutionID, now: Instant) {
        while self.head < self.arrivals.count, now - self.arrivals[self.head].at >= self.lifetime {
            let (id, arrival) = self.arrivals[self.head]
            // What came anew since stays.
            if self.latest[id] == arrival { self.latest[id] = nil }
            self.head += 1
        }
        if self.head > 1024, self.head * 2 > self.arrivals.count {
            self.arrivals.removeFirst(self.head)
            self.head = 0
        }
        self.latest[id] = now
        self.arrivals.append((id, now))
    }

    mutating func remove(_ id: ExecutionID) { self.latest[id] = nil }
}
