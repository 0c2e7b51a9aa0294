import COpenSSL

/// Comparisons whose duration tells nothing of the content.
public enum ConstantTime {
    /// Whether both hold the same bytes. Only a difference in length shows in the time.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
