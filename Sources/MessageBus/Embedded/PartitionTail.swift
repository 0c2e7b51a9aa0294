/// The newest committed messages of a partition, those that a present consumer has yet to take.
///
/// What is older, or more than the bounds allow, is read from the database.
struct PartitionTail: Sendable {
    /// What a partition may keep in memory for consumers that are slower than publishers.
    struct Bounds: Sendable {
        var count: Int
        /// Of keys and bodies.
        var bytes: Int
    }

    /// The offset of the first message held; ``end`` if there is none.
    private(set) var start: Int64
    private(set) var bytes = 0
    /// From `head` on: offsets are contiguous, as only what is committed gets here.
    private var deliveries: [Delivery] = []
    private var head = 0

    /// The offset that the next message will have.
    var end: Int64 { self.start + Int64(self.count) }
    var count: Int { self.deliveries.count - self.head }

    init(end: Int64) { self.start = end }

    mutating func append(_ delivery: Delivery) {
        precondition(delivery.offset == self.end, "offsets of committed messages have no gap")
        self.deliveries.append(delivery)
        self.bytes += delivery.size
    }

    /// The messages from `offset` on, at most `limit`; `offset` must not be before ``start``.
    func messages(from offset: Int64, limit: Int) -> ArraySlice<Delivery> {
        self.deliveries[(self.head + Int(offset - self.start))...].prefix(limit)
    }

    /// Lets go of what lies before `offset`, and of the oldest beyond the bounds.
    mutating func trim(below offset: Int64, bounds: Bounds) {
        while self.count > 0, self.start < offset || self.count > bounds.count || self.bytes > bounds.bytes {
            self.bytes -= self.deliveries[self.head].size
            self.head += 1
            self.start += 1
        }
        if self.head == self.deliveries.count {
            self.deliveries.removeAll(keepingCapacity: self.head <= 256)
            self.head = 0
        } else if self.head >= 64, self.head * 2 >= self.deliveries.count {
            // Bounded: what is let go of may stay in memory until it is half of the array.
            self.deliveries.removeFirst(self.head)
            self.head = 0
        }
    }
}

extension Delivery {
    var size: Int { self.key.utf8.count + (self.body?.count ?? 0) }
}
