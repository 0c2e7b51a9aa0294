import COpenSSL

/// SHA-1, for names that others derive by it, such as those of Redis' scripts. Nothing is protected by it.
public enum SHA1 {
    /// Bytes of a digest.
    public static let digestSize = 20

    /// The 20 bytes of the digest of `bytes`.
    ///
    /// - Throws: ``CryptoError``, where the machine's rules forbid SHA-1.
    public static func digest(of bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: self.digestSize)
        guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil) == 1 else {
            throw CryptoError(.other, "cannot digest with SHA-1")
        }
        return digest
    }
}
