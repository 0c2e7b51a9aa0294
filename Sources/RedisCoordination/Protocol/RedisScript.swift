import Crypto

/// A Lua script, which the server knows by its digest once it has run it.
struct RedisScript: Sendable {
    let text: String
    /// `nil` where SHA-1 is forbidden.
    let digest: String?

    init(_ text: String) {
        self.text = text
        // Without a digest the text is sent with each call: slower, and no less right.
        self.digest = (try? SHA1.digest(of: Array(text.utf8))).map(Hexadecimal.encode)
    }
}
