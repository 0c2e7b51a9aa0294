import Coordination

/// Entries as texts: the version in 19 digits, `v` for a value or `r` for a removed one, the value.
///
/// Versions of one length are compared as texts: Lua's numbers would not be exact.
struct RedisStatusCache: StatusCache {
    let client: RedisClient

    private static func key(_ key: String) -> String { "status:" + key }

    private static let put = RedisScript(
        """
        for i, key in ipairs(KEYS) do
            local new = ARGV[i + 1]
            local old = redis.call('GETRANGE', key, 0, 19)
            local version, stored = string.sub(new, 1, 19), string.sub(old, 1, 19)
            if version > stored or (version == stored and string.sub(old, 20, 20) == 'v') then
                redis.call('SET', key, new, 'PX', ARGV[1])
            end
        end
        return #KEYS
        """
    )

    /// An empty version stands for what is stored.
    private static let remove = RedisScript(
        """
        for i, key in ipairs(KEYS) do
            local stored = redis.call('GETRANGE', key, 0, 18)
            local version = ARGV[i + 1]
            if version == '' then version = stored == '' and string.rep('0', 19) or stored end
            if version >= stored then redis.call('SET', key, version .. 'r', 'PX', ARGV[1]) end
        end
        return #KEYS
        """
    )

    private static func digits(_ version: Int) -> String {
        let digits = String(version)
        return String(repeating: "0", count: 19 - digits.utf8.count) + digits
    }

    func put(_ entries: [StatusEntry], lifetime: Duration) async throws(CoordinationError) {
        try ArgumentChecks.check(entries)
        let milliseconds = try ArgumentChecks.check(lifetime)
        for batch in entries.batches() {
            _ = try await self.client.run(Self.put, keys: batch.map { Self.key($0.key) }) { arguments in
                arguments.append(milliseconds)
                for entry in batch { arguments.append(Array(Self.digits(entry.version).utf8) + [0x76] + entry.value) }
            }
        }
    }

    func entries(_ keys: [String]) async throws(CoordinationError) -> [StatusEntry?] {
        var entries: [StatusEntry?] = []
        for batch in keys.batches() {
            var command = RedisCommand("MGET")
            for key in batch { command.append(self.client.configuration.keyPrefix + Self.key(key)) }
            let values = try await self.client.call(command).array(count: batch.count)
            for (key, value) in zip(batch, values) { entries.append(try Self.entry(key, value)) }
        }
        return entries
    }

    private static func entry(_ key: String, _ value: RedisValue) throws(CoordinationError) -> StatusEntry? {
        guard let bytes = try value.bytes() else { return nil }
        guard bytes.count >= 20, let version = Int(String(decoding: bytes[..<19], as: UTF8.self)), version >= 0,
            bytes[19] == UInt8(ascii: "v") || bytes[19] == UInt8(ascii: "r")
        else { throw value.unexpected("an entry of the status cache") }
        if bytes[19] == UInt8(ascii: "r") { return nil }
        return StatusEntry(key: key, version: version, value: Array(bytes[20...]))
    }

    func remove(_ removals: [StatusRemoval], lifetime: Duration) async throws(CoordinationError) {
        try ArgumentChecks.check(removals)
        let milliseconds = try ArgumentChecks.check(lifetime)
        for batch in removals.batches() {
            _ = try await self.client.run(Self.remove, keys: batch.map { Self.key($0.key) }) { arguments in
                arguments.append(milliseconds)
                for removal in batch { arguments.append(removal.version.map(Self.digits) ?? "") }
            }
        }
    }
}
