/// Settings of an ``EmbeddedBus``.
public struct EmbeddedBusConfiguration: Sendable {
    /// Messages of a partition kept in memory for consumers that are slower than publishers; slower ones read from the
    /// database. What every present consumer has taken is not kept. Defaults to 1,024.
    public var tailCount: Int
    /// As ``tailCount``, in bytes of keys and bodies. Defaults to 1 MiB.
    public var tailBytes: Int
    /// Bytes of keys and bodies that one read from the database brings at most, but at least a message. Defaults to 4 MiB.
    public var readBytes: Int
    /// Messages that one transaction of ``EmbeddedBus/maintain(now:)`` deletes at most. Defaults to 500, some milliseconds.
    public var cleaningBatch: Int
    /// A compacted partition is cleaned when at least this part of it was written after the last cleaning. Defaults to
    /// 0.3; 0 cleans always.
    public var minimumDirtyRatio: Double
    /// Gives the time of the messages, in milliseconds since 1970.
    public var clock: @Sendable () -> Int64

    public init(
        tailCount: Int = 1024,
        tailBytes: Int = 1 << 20,
        readBytes: Int = 4 << 20,
        cleaningBatch: Int = 500,
        minimumDirtyRatio: Double = 0.3,
        clock: @escaping @Sendable () -> Int64 = EmbeddedBusConfiguration.systemClock
    ) {
        precondition(tailCount >= 0 && tailBytes >= 0 && readBytes > 0 && cleaningBatch > 0, "bounds are not negative")
        self.tailCount = tailCount
        self.tailBytes = tailBytes
        self.readBytes = readBytes
        self.cleaningBatch = cleaningBatch
        self.minimumDirtyRatio = minimumDirtyRatio
        self.clock = clock
    }
}
