import ServiceKit

/// Coordination within one process, with every promise of the protocols but to outlive it.
public final class InMemoryCoordination: Coordination {
    private struct State: Sendable {
        var locks = SessionLockTable()
        var statuses = StatusTable()
        var capacity = CapacityTable()
        var idempotency = IdempotencyTable()
        var isClosed = false
    }

    private let state = Locked(State())
    private let clock: @Sendable () -> CoordinationTime

    public convenience init() { self.init(clock: CoordinationTime.current) }

    /// - Parameter clock: For tests.
    package init(clock: @escaping @Sendable () -> CoordinationTime) { self.clock = clock }

    public var locks: any SessionLocks { Locks(owner: self) }
    public var statuses: any StatusCache { Statuses(owner: self) }
    public var capacity: any CapacityLedger { Capacity(owner: self) }
    public var idempotency: any IdempotencyKeys { Idempotency(owner: self) }

    public func ping() async throws(CoordinationError) { try self.update { _, _ throws(CoordinationError) in } }

    public func close() async { self.state.withLock { $0.isClosed = true } }

    /// Forgets everything, as a flushed Redis does; for tests.
    package func forget() {
        self.state.withLock { state in
            state.locks.forget()
            state.statuses = StatusTable()
            state.capacity = CapacityTable()
            state.idempotency = IdempotencyTable()
        }
    }

    private func update<Result>(
        _ body: (inout State, CoordinationTime) throws(CoordinationError) -> Result
    ) throws(CoordinationError) -> Result {
        let now = self.clock()
        return try self.state.withLock { state throws(CoordinationError) in
            if state.isClosed { throw CoordinationError(.closed, "coordination is closed") }
            return try body(&state, now)
        }
    }

    // MARK: The four abilities

    private struct Locks: SessionLocks {
        let owner: InMemoryCoordination

        func acquire(
            _ name: String,
            owner: String,
            lease: Duration,
            takingOver: Bool
        ) async throws(CoordinationError) -> SessionLock? {
            try ArgumentChecks.check([SessionLock(name: name, owner: owner, epoch: 0)])
            try ArgumentChecks.check(lease)
            return try self.owner.update { state, now throws(CoordinationError) in
                state.locks.acquire(name, owner: owner, lease: lease, takingOver: takingOver, now: now)
            }
        }

        func renew(_ locks: [SessionLock], lease: Duration) async throws(CoordinationError) -> [LockRenewal] {
            try ArgumentChecks.check(locks)
            try ArgumentChecks.check(lease)
            return try self.owner.update { state, now throws(CoordinationError) in
                locks.map { state.locks.renew($0, lease: lease, now: now) }
            }
        }

        func release(_ locks: [SessionLock]) async throws(CoordinationError) {
            try ArgumentChecks.check(locks)
            try self.owner.update { state, now throws(CoordinationError) in
                for lock in locks { state.locks.release(lock, now: now) }
            }
        }
    }

    private struct Statuses: StatusCache {
        let owner: InMemoryCoordination

        func put(_ entries: [StatusEntry], lifetime: Duration) async throws(CoordinationError) {
            try ArgumentChecks.check(entries)
            try ArgumentChecks.check(lifetime)
            try self.owner.update { state, now throws(CoordinationError) in
                for entry in entries { state.statuses.put(entry, lifetime: lifetime, now: now.instant) }
            }
        }

        func entries(_ keys: [String]) async throws(CoordinationError) -> [StatusEntry?] {
            try self.owner.update { state, now throws(CoordinationError) in
                keys.map { state.statuses.entry($0, now: now.instant) }
            }
        }

        func remove(_ removals: [StatusRemoval], lifetime: Duration) async throws(CoordinationError) {
            try ArgumentChecks.check(removals)
            try ArgumentChecks.check(lifetime)
            try self.owner.update { state, now throws(CoordinationError) in
                for removal in removals { state.statuses.remove(removal, lifetime: lifetime, now: now.instant) }
            }
        }
    }

    private struct Capacity: CapacityLedger {
        let owner: InMemoryCoordination

        func setCapacity(
            _ capacity: Int,
            of node: String,
            holdings: [String: Int],
            lifetime: Duration
        ) async throws(CoordinationError) {
            try ArgumentChecks.check(name: node, "node")
            for amount in [capacity] + holdings.values { try ArgumentChecks.check(amount: amount) }
            for holder in holdings.keys { try ArgumentChecks.check(name: holder, "holder") }
            try ArgumentChecks.check(lifetime)
            try self.owner.update { state, now throws(CoordinationError) in
                state.capacity.setCapacity(
                    capacity,
                    of: node,
                    holdings: holdings,
                    lifetime: lifetime,
                    now: now.instant
                )
            }
        }

        func reserve(_ requests: [CapacityRequest]) async throws(CoordinationError) -> [CapacityAnswer] {
            for request in requests {
                try ArgumentChecks.check(request.holder)
                try ArgumentChecks.check(amount: request.amount)
            }
            return try self.owner.update { state, now throws(CoordinationError) in
                requests.map { state.capacity.reserve($0, now: now.instant) }
            }
        }

        func release(_ holders: [CapacityHolder]) async throws(CoordinationError) {
            for holder in holders { try ArgumentChecks.check(holder) }
            try self.owner.update { state, _ throws(CoordinationError) in
                for holder in holders { state.capacity.release(holder) }
            }
        }

        func usage(of nodes: [String]) async throws(CoordinationError) -> [NodeUsage?] {
            try self.owner.update { state, now throws(CoordinationError) in
                nodes.map { state.capacity.usage(of: $0, now: now.instant) }
            }
        }
    }

    private struct Idempotency: IdempotencyKeys {
        let owner: InMemoryCoordination

        func claim(
            _ key: String,
            value: [UInt8],
            lifetime: Duration
        ) async throws(CoordinationError) -> IdempotencyClaim {
            try ArgumentChecks.check(name: key, "key")
            try ArgumentChecks.check(lifetime)
            return try self.owner.update { state, now throws(CoordinationError) in
                state.idempotency.claim(key, value: value, lifetime: lifetime, now: now.instant)
            }
        }

        func withdraw(_ key: String, value: [UInt8]) async throws(CoordinationError) {
            try ArgumentChecks.check(name: key, "key")
            try self.owner.update { state, now throws(CoordinationError) in
                state.idempotency.withdraw(key, value: value, now: now.instant)
            }
        }
    }
}
