import Coordination

/// Values as they are, under their keys.
struct RedisIdempotencyKeys: IdempotencyKeys {
    let client: RedisClient

    private static func key(_ key: String) -> String { "idem:" + key }

    private static let claim = RedisScript(
        """
        local existing = redis.call('GET', KEYS[1])
        if not existing then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
        return existing
        """
    )

    private static let withdraw = RedisScript(
        """
        if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
        return 0
        """
    )

    func claim(_ key: String, value: [UInt8], lifetime: Duration) async throws(CoordinationError) -> IdempotencyClaim {
        try ArgumentChecks.check(name: key, "key")
        let milliseconds = try ArgumentChecks.check(lifetime)
        let reply = try await self.client.run(Self.claim, keys: [Self.key(key)]) { arguments in
            arguments.append(value)
            arguments.append(milliseconds)
        }
        return try reply.bytes().map(IdempotencyClaim.existing) ?? .first
    }

    func withdraw(_ key: String, value: [UInt8]) async throws(CoordinationError) {
        try ArgumentChecks.check(name: key, "key")
        _ = try await self.client.run(Self.withdraw, keys: [Self.key(key)]) { $0.append(value) }
    }
}
