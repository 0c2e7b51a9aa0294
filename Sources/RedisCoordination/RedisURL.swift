import ServiceKit

/// `redis://[user:password@]host[:port][/database]` or `redis+unix://[user:password@]/path[?db=database]`.
///
/// User and password may have escapes of the form `%40`.
struct RedisURL: Sendable {
    var endpoint: RedisEndpoint
    var user: String?
    var password: Secret?
    var database = 0

    /// - Throws: What is wrong, without the URL: it may hold a password.
    init(_ text: String) throws(RedisURLProblem) {
        if let rest = text.dropping(prefix: "redis+unix://") {
            let (user, password, rest) = try Self.takeUser(rest)
            (self.user, self.password) = (user, password)
            let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            guard let path = parts.first, path.hasPrefix("/"), path.count > 1 else {
                throw RedisURLProblem("needs an absolute path: redis+unix:///run/redis/redis.sock")
            }
            self.endpoint = .unix(path: String(path))
            guard parts.count > 1 else { return }
            guard let database = parts[1].dropping(prefix: "db=") else {
                throw RedisURLProblem("knows no option but db=NUMBER")
            }
            self.database = try Self.database(database)
        } else if let rest = text.dropping(prefix: "redis://") {
            let (user, password, rest) = try Self.takeUser(rest)
            (self.user, self.password) = (user, password)
            let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            self.endpoint = try Self.endpoint(parts.first ?? "")
            if parts.count > 1, !parts[1].isEmpty { self.database = try Self.database(parts[1]) }
        } else if text.hasPrefix("rediss://") {
            throw RedisURLProblem("TLS is not spoken: use a tunnel or a private network")
        } else {
            throw RedisURLProblem("must begin with redis:// or redis+unix://")
        }
    }

    private static func takeUser(
        _ text: Substring
    ) throws(RedisURLProblem) -> (user: String?, password: Secret?, rest: Substring) {
        // A password that was not escaped may hold the character too: the last one counts.
        guard let end = text.lastIndex(of: "@") else { return (nil, nil, text) }
        let parts = text[..<end].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let user = Self.unescape(parts[0]), let password = Self.unescape(parts[1]) else {
            throw RedisURLProblem("needs user:password or :password before the @, with % escapes of two digits")
        }
        return (user.isEmpty ? nil : user, Secret(password), text[text.index(after: end)...])
    }

    private static func endpoint(_ text: Substring) throws(RedisURLProblem) -> RedisEndpoint {
        var (host, port) = (text, Substring("6379"))
        if let end = text.lastIndex(of: "]"), text.hasPrefix("[") {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw RedisURLProblem("has no valid host") }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            if host.contains(":") { throw RedisURLProblem("needs an IPv6 address in brackets") }
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { throw RedisURLProblem("has no valid host") }
        guard let number = UInt16(port), number > 0 else { throw RedisURLProblem("needs a port from 1 to 65535") }
        return .tcp(host: String(host), port: number)
    }

    private static func database(_ text: Substring) throws(RedisURLProblem) -> Int {
        guard let number = Int(text), (0...65_535).contains(number) else {
            throw RedisURLProblem("needs the number of a database, such as 0")
        }
        return number
    }

    private static func unescape(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

struct RedisURLProblem: Error {
    var text: String
    init(_ text: String) { self.text = text }
}

extension StringProtocol {
    /// What follows the prefix; `nil` if it does not begin so.
    fileprivate func dropping(prefix: String) -> SubSequence? {
        self.hasPrefix(prefix) ? self.dropFirst(prefix.count) : nil
    }
}
