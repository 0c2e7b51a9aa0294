/// What the parts of a cluster agree on quickly: who holds a session, what its newest status is, what a node has room
/// for, and which request came first.
///
/// It may be lost at any time: all of it can be rebuilt, and none of the platform's promises rests on it alone. Callers
/// go on without it when a call throws an error that `isRetriable`. What every implementation must honour is written
/// once, as executable clauses, in `CoordinationContract`. A call that is cancelled still runs to its end.
public protocol Coordination: Sendable {
    var locks: any SessionLocks { get }
    var statuses: any StatusCache { get }
    var capacity: any CapacityLedger { get }
    var idempotency: any IdempotencyKeys { get }

    /// Returns when an answer has come: for health checks.
    func ping() async throws(CoordinationError)

    /// Refuses further calls, and returns when those under way have ended. May be called again.
    func close() async
}
