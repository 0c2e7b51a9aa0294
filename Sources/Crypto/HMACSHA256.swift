import COpenSSL

/// Proves that bytes come from who knows a key.
public enum HMACSHA256 {
    /// The 32 bytes of the code for `bytes` under `key`, which may have any length.
    ///
    /// - Throws: ``CryptoError``.
    public static func code(for bytes: [UInt8], key: [UInt8]) throws(CryptoError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256.digestSize)
        // A key of no bytes still needs an address: a null one would mean "the key of before".
        let address: [UInt8] = key.isEmpty ? [0] : key
        guard let length = Int32(exactly: key.count),
            HMAC(EVP_sha256(), address, length, bytes, bytes.count, &code, nil) != nil
        else { throw CryptoError(.other, "cannot compute HMAC-SHA256") }
        return code
    }

    /// Whether `code` is the one for `bytes` under `key`. How long it takes does not depend on where they differ.
    ///
    /// - Throws: ``CryptoError``.
    public static func isValid(_ code: [UInt8], for bytes: [UInt8], key: [UInt8]) throws(CryptoError) -> Bool {
        ConstantTime.areEqual(code, try self.code(for: bytes, key: key))
    }
}
