public import Coordination
public import ServiceKit

/// Coordination between processes through a Redis server (6.0 or later, a single primary).
///
/// One connection carries all calls, pipelined. While there is none, calls fail at once, with `unavailable`; it is
/// opened again by itself, after at most a second. A call that is not answered in time fails with `timedOut`, and the
/// connection is given up.
public final class RedisCoordination: Coordination {
    private let client: RedisClient

    /// Connects, and returns when the first attempt has worked or failed.
    ///
    /// - Throws: ``CoordinationError``: `refused` when the server says no, as to a wrong password. A server that is not
    ///   there is no error: calls fail until it is.
    public static func open(
        _ configuration: RedisConfiguration,
        logger: Logger
    ) async throws(CoordinationError) -> RedisCoordination {
        RedisCoordination(client: try await RedisClient(configuration, logger: logger))
    }

    private init(client: RedisClient) { self.client = client }

    public var locks: any SessionLocks { RedisLocks(client: self.client) }
    public var statuses: any StatusCache { RedisStatusCache(client: self.client) }
    public var capacity: any CapacityLedger { RedisCapacityLedger(client: self.client) }
    public var idempotency: any IdempotencyKeys { RedisIdempotencyKeys(client: self.client) }

    public func ping() async throws(CoordinationError) {
        let reply = try await self.client.call(RedisCommand("PING"))
        guard case .status("PONG") = reply else { throw reply.unexpected("PONG") }
    }

    public func close() async { await self.client.close() }
}
