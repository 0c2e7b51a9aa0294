import Coordination

/// Locks as hashes of `owner`, `epoch` and `until`, the end of the lease in microseconds since 1970.
///
/// Redis' clock counts alone. A hash outlives its lease for the sake of its epoch, in case that clock is set back.
struct RedisLocks: SessionLocks {
    let client: RedisClient

    /// In milliseconds; see ``SessionLock/epoch``.
    private static let memory: Int64 = 3_600_000

    private static func key(_ name: String) -> String { "lock:" + name }

    // Numbers below 2^53 are exact in Lua; microseconds since 1970 are, until the year 2255.

    private static let acquire = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local lock = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until')
        local epoch = tonumber(lock[2]) or 0
        local held = lock[1] and lock[1] ~= '' and (tonumber(lock[3]) or 0) > now
        if held and ARGV[2] == '0' then
            if lock[1] ~= ARGV[1] then return false end
        else
            epoch = math.max(epoch + 1, now)
        end
        local text = string.format('%.0f', epoch)
        local lease_end = string.format('%.0f', now + tonumber(ARGV[3]) * 1000)
        redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', text, 'until', lease_end)
        redis.call('PEXPIRE', KEYS[1], ARGV[4])
        return text
        """
    )

    /// Answers 1 for a lock that is held, else who holds it; nobody is the empty text.
    private static let renew = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local lease_end = string.format('%.0f', now + tonumber(ARGV[1]) * 1000)
        local answers = {}
        for i, key in ipairs(KEYS) do
            local owner, epoch = ARGV[i * 2 + 1], ARGV[i * 2 + 2]
            local lock = redis.call('HMGET', key, 'owner', 'epoch', 'until')
            local stored = tonumber(lock[2]) or 0
            if stored > tonumber(epoch) or (stored == tonumber(epoch) and lock[1] ~= owner) then
                answers[i] = (tonumber(lock[3]) or 0) > now and lock[1] or ''
            else
                redis.call('HSET', key, 'owner', owner, 'epoch', epoch, 'until', lease_end)
                redis.call('PEXPIRE', key, ARGV[2])
                answers[i] = 1
            end
        end
        return answers
        """
    )

    private static let release = RedisScript(
        """
        for i, key in ipairs(KEYS) do
            local lock = redis.call('HMGET', key, 'owner', 'epoch')
            if lock[1] == ARGV[i * 2] and lock[2] == ARGV[i * 2 + 1] then
                redis.call('HSET', key, 'owner', '', 'until', '0')
                redis.call('PEXPIRE', key, ARGV[1])
            end
        end
        return #KEYS
        """
    )

    func acquire(
        _ name: String,
        owner: String,
        lease: Duration,
        takingOver: Bool
    ) async throws(CoordinationError) -> SessionLock? {
        try ArgumentChecks.check([SessionLock(name: name, owner: owner, epoch: 0)])
        let milliseconds = try ArgumentChecks.check(lease)
        let reply = try await self.client.run(Self.acquire, keys: [Self.key(name)]) { arguments in
            arguments.append(owner)
            arguments.append(takingOver ? 1 : 0)
            arguments.append(milliseconds)
            arguments.append(milliseconds + Self.memory)
        }
        guard let text = try reply.bytes() else { return nil }
        guard let epoch = Int64(String(decoding: text, as: UTF8.self)) else { throw reply.unexpected("an epoch") }
        return SessionLock(name: name, owner: owner, epoch: epoch)
    }

    func renew(_ locks: [SessionLock], lease: Duration) async throws(CoordinationError) -> [LockRenewal] {
        try ArgumentChecks.check(locks)
        let milliseconds = try ArgumentChecks.check(lease)
        var renewals: [LockRenewal] = []
        for batch in locks.batches() {
            let reply = try await self.client.run(Self.renew, keys: batch.map { Self.key($0.name) }) { arguments in
                arguments.append(milliseconds)
                arguments.append(milliseconds + Self.memory)
                for lock in batch {
                    arguments.append(lock.owner)
                    arguments.append(lock.epoch)
                }
            }
            for answer in try reply.array(count: batch.count) { renewals.append(try Self.renewal(answer)) }
        }
        return renewals
    }

    private static func renewal(_ answer: RedisValue) throws(CoordinationError) -> LockRenewal {
        if answer == .integer(1) { return .held }
        guard case .bytes(let owner) = answer else { throw answer.unexpected("an owner") }
        return .lost(to: owner.isEmpty ? nil : String(decoding: owner, as: UTF8.self))
    }

    func release(_ locks: [SessionLock]) async throws(CoordinationError) {
        try ArgumentChecks.check(locks)
        for batch in locks.batches() {
            _ = try await self.client.run(Self.release, keys: batch.map { Self.key($0.name) }) { arguments in
                arguments.append(Self.memory)
                for lock in batch {
                    arguments.append(lock.owner)
                    arguments.append(lock.epoch)
                }
            }
        }
    }
}
