/// Chooses the partition of a key, exactly as Kafka's Java clients do: a key stays where it is when the bus changes.
public enum Partitioner {
    /// - Parameter count: Partitions of the topic, at least 1.
    public static func partition(of key: String, count: Int) -> Int {
        precondition(count > 0, "a topic has at least one partition")
        var key = key
        let hash = key.withUTF8 { self.murmur2($0) }
        // Java's `toPositive`: the sign bit is dropped.
        return Int(hash & 0x7fff_ffff) % count
    }

    /// 32-bit MurmurHash2 with Kafka's seed.
    static func murmur2(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 4 <= bytes.count {
            var word = UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
            word |= UInt32(bytes[index + 2]) << 16 | UInt32(bytes[index + 3]) << 24
            word &*= multiplier
            word ^= word >> 24
            word &*= multiplier
            hash = (hash &* multiplier) ^ word
            index += 4
        }
        let rest = bytes.count - index
        if rest > 0 {
            if rest == 3 { hash ^= UInt32(bytes[index + 2]) << 16 }
            if rest >= 2 { hash ^= UInt32(bytes[index + 1]) << 8 }
            hash ^= UInt32(bytes[index])
            hash &*= multiplier
        }
        hash ^= hash >> 13
        hash &*= multiplier
        return hash ^ (hash >> 15)
    }
}
