import COpenSSL

/// Bytes that nobody can guess, for keys and tokens.
public enum SecureRandom {
    /// - Throws: ``CryptoError`` with `noRandomness`; there is no weaker fallback.
    public static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        guard let length = Int32(exactly: count), RAND_bytes(&bytes, length) == 1 else {
            throw CryptoError(.noRandomness, "no random bytes")
        }
        return bytes
    }
}
