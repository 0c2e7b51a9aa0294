import Coordination

/// Nodes as hashes: `capacity`, `reserved`, and `h:` with its name for each holder's amount.
struct RedisCapacityLedger: CapacityLedger {
    let client: RedisClient

    private static func key(_ node: String) -> String { "node:" + node }

    private static let setCapacity = RedisScript(
        """
        if redis.call('HSET', KEYS[1], 'capacity', ARGV[2]) == 1 then
            local reserved = 0
            for i = 3, #ARGV, 2 do
                redis.call('HSET', KEYS[1], 'h:' .. ARGV[i], ARGV[i + 1])
                reserved = reserved + tonumber(ARGV[i + 1])
            end
            redis.call('HSET', KEYS[1], 'reserved', string.format('%.0f', reserved))
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        return 1
        """
    )

    /// Answers 1 for reserved, 0 for full, -1 for an unknown node.
    private static let reserve = RedisScript(
        """
        local answers = {}
        for i, key in ipairs(KEYS) do
            local holder, amount = 'h:' .. ARGV[i * 2 - 1], ARGV[i * 2]
            local node = redis.call('HMGET', key, 'capacity', 'reserved', holder)
            if not node[1] then
                answers[i] = -1
            elseif node[3] then
                answers[i] = 1
            elseif tonumber(node[2]) + tonumber(amount) > tonumber(node[1]) then
                answers[i] = 0
            else
                redis.call('HINCRBY', key, 'reserved', amount)
                redis.call('HSET', key, holder, amount)
                answers[i] = 1
            end
        end
        return answers
        """
    )

    private static let release = RedisScript(
        """
        for i, key in ipairs(KEYS) do
            local amount = redis.call('HGET', key, 'h:' .. ARGV[i])
            if amount then
                redis.call('HDEL', key, 'h:' .. ARGV[i])
                redis.call('HINCRBY', key, 'reserved', '-' .. amount)
            end
        end
        return #KEYS
        """
    )

    private static let usage = RedisScript(
        """
        local answers = {}
        for i, key in ipairs(KEYS) do
            local node = redis.call('HMGET', key, 'capacity', 'reserved')
            if node[1] then
                answers[i] = {tonumber(node[1]), tonumber(node[2]), redis.call('HLEN', key) - 2}
            else
                answers[i] = false
            end
        end
        return answers
        """
    )

    func setCapacity(
        _ capacity: Int,
        of node: String,
        holdings: [String: Int],
        lifetime: Duration
    ) async throws(CoordinationError) {
        try ArgumentChecks.check(name: node, "node")
        for amount in [capacity] + holdings.values { try ArgumentChecks.check(amount: amount) }
        for holder in holdings.keys { try ArgumentChecks.check(name: holder, "holder") }
        let milliseconds = try ArgumentChecks.check(lifetime)
        _ = try await self.client.run(Self.setCapacity, keys: [Self.key(node)]) { arguments in
            arguments.append(milliseconds)
            arguments.append(capacity)
            for (holder, amount) in holdings {
                arguments.append(holder)
                arguments.append(amount)
            }
        }
    }

    func reserve(_ requests: [CapacityRequest]) async throws(CoordinationError) -> [CapacityAnswer] {
        for request in requests {
            try ArgumentChecks.check(request.holder)
            try ArgumentChecks.check(amount: request.amount)
        }
        var answers: [CapacityAnswer] = []
        for batch in requests.batches() {
            let keys = batch.map { Self.key($0.holder.node) }
            let reply = try await self.client.run(Self.reserve, keys: keys) { arguments in
                for request in batch {
                    arguments.append(request.holder.name)
                    arguments.append(request.amount)
                }
            }
            for answer in try reply.array(count: batch.count) { answers.append(try Self.answer(answer)) }
        }
        return answers
    }

    private static func answer(_ value: RedisValue) throws(CoordinationError) -> CapacityAnswer {
        switch value {
        case .integer(1): .reserved
        case .integer(0): .full
        case .integer(-1): .unknownNode
        default: throw value.unexpected("an answer of the ledger")
        }
    }

    func release(_ holders: [CapacityHolder]) async throws(CoordinationError) {
        for holder in holders { try ArgumentChecks.check(holder) }
        for batch in holders.batches() {
            _ = try await self.client.run(Self.release, keys: batch.map { Self.key($0.node) }) { arguments in
                for holder in batch { arguments.append(holder.name) }
            }
        }
    }

    func usage(of nodes: [String]) async throws(CoordinationError) -> [NodeUsage?] {
        var usages: [NodeUsage?] = []
        for batch in nodes.batches() {
            let reply = try await self.client.run(Self.usage, keys: batch.map(Self.key)) { _ in }
            for value in try reply.array(count: batch.count) { usages.append(try Self.usage(value)) }
        }
        return usages
    }

    private static func usage(_ value: RedisValue) throws(CoordinationError) -> NodeUsage? {
        if value == .null { return nil }
        let numbers = try value.array(count: 3)
        return NodeUsage(
            capacity: Int(try numbers[0].integer()),
            reserved: Int(try numbers[1].integer()),
            holderCount: Int(try numbers[2].integer())
        )
    }
}
