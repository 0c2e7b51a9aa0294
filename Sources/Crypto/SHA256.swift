import COpenSSL

/// SHA-256 of bytes that come in pieces.
///
/// Not `Sendable`: one task or thread feeds it.
public final class SHA256 {
    /// Bytes of a digest.
    public static let digestSize = 32

    private let context: OpaquePointer

    /// - Throws: ``CryptoError`` when libcrypto has no memory or no SHA-256.
    public init() throws(CryptoError) {
        guard let context = EVP_MD_CTX_new() else { throw CryptoError(.other, "no digest context") }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw CryptoError(.other, "cannot start SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(self.context) }

    /// Adds a piece.
    ///
    /// - Throws: ``CryptoError``; also after ``finish()``.
    public func update(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) {
        guard EVP_DigestUpdate(self.context, bytes.baseAddress, bytes.count) == 1 else {
            throw CryptoError(.other, "cannot add to SHA-256")
        }
    }

    /// Adds a piece.
    ///
    /// - Throws: ``CryptoError``; also after ``finish()``.
    public func update(_ bytes: [UInt8]) throws(CryptoError) {
        guard EVP_DigestUpdate(self.context, bytes, bytes.count) == 1 else {
            throw CryptoError(.other, "cannot add to SHA-256")
        }
    }

    /// The 32 bytes of the digest. Nothing may be added afterwards.
    ///
    /// - Throws: ``CryptoError``.
    public func finish() throws(CryptoError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestSize)
        guard EVP_DigestFinal_ex(self.context, &digest, nil) == 1 else {
            throw CryptoError(.other, "cannot finish SHA-256")
        }
        return digest
    }

    /// The 32 bytes of the digest of `bytes`.
    ///
    /// - Throws: ``CryptoError``.
    public static func digest(of bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: self.digestSize)
        guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 else {
            throw CryptoError(.other, "cannot digest with SHA-256")
        }
        return digest
    }
}
