/// How far a group is in one partition, and who works on it.
struct GroupPartition: Sendable {
    /// Everything before this offset is settled; the group starts here after a restart.
    private(set) var committed: Int64
    /// The next offset to hand out.
    private(set) var position: Int64
    /// Handed out since `committed`, in order, settled or not. Belongs to the owner.
    private var outstanding: [Int64] = []
    /// Settled, but not before something that is not. Kept when the owner leaves: it need not come again.
    private var acknowledged: Set<Int64> = []

    /// Who holds what is outstanding.
    var owner: UInt64?
    /// Who is to own it as soon as nothing is outstanding.
    var target: UInt64?
    /// Whether the owner reads from the database just now.
    private(set) var isReading = false
    /// Goes up when a read under way has become obsolete.
    private(set) var epoch: UInt64 = 0

    init(committed: Int64) {
        self.committed = committed
        self.position = committed
    }

    /// Whether the partition may change hands without a message coming to two members.
    var isAtRest: Bool { self.outstanding.isEmpty && !self.isReading }

    /// Marks messages as handed out, and returns them without those that are settled already.
    mutating func handOut(_ messages: ArraySlice<Delivery>) -> ArraySlice<Delivery> {
        guard let last = messages.last else { return messages }
        self.position = last.offset + 1
        self.outstanding.append(contentsOf: messages.lazy.map(\.offset))
        guard !self.acknowledged.isEmpty else { return messages }
        let wanted = messages.filter { !self.acknowledged.contains($0.offset) }
        self.settle([])
        return wanted[...]
    }

    /// Where `committed` would be if `offsets` were settled too.
    func committed(afterSettling offsets: Set<Int64>) -> Int64 { self.prefix(settling: offsets).committed }

    /// Settles offsets, whoever holds them.
    mutating func settle(_ offsets: Set<Int64>) {
        for offset in offsets where offset >= self.committed { self.acknowledged.insert(offset) }
        let (count, committed) = self.prefix(settling: [])
        for offset in self.outstanding.prefix(count) { self.acknowledged.remove(offset) }
        self.outstanding.removeFirst(count)
        self.committed = committed
    }

    private func prefix(settling offsets: Set<Int64>) -> (count: Int, committed: Int64) {
        var (count, committed) = (0, self.committed)
        for offset in self.outstanding {
            guard self.acknowledged.contains(offset) || offsets.contains(offset) else { return (count, committed) }
            (count, committed) = (count + 1, offset + 1)
        }
        return (count, max(committed, self.position))
    }

    /// Whether `member` may settle the offset: it holds it, or it is settled anyway.
    func maySettle(_ offset: Int64, by member: UInt64) -> Bool {
        if offset < self.committed { return true }
        return self.owner == member && self.outstanding.isSortedAndContains(offset)
    }

    /// Takes everything unsettled back from the owner.
    mutating func release() {
        self.position = self.committed
        self.outstanding = []
        self.isReading = false
        self.epoch += 1
        self.owner = nil
    }

    mutating func beginRead(end: Int64, partition: Int, limit: Int) -> LogRead {
        self.isReading = true
        return LogRead(partition: partition, start: self.position, end: end, limit: limit, epoch: self.epoch)
    }

    /// Returns false if the read was made obsolete.
    mutating func endRead(_ read: LogRead) -> Bool {
        guard self.isReading, read.epoch == self.epoch else { return false }
        self.isReading = false
        return true
    }

    /// Goes past what is deleted.
    mutating func skip(to offset: Int64) {
        self.position = max(self.position, offset)
        self.settle([])
    }
}

extension [Int64] {
    fileprivate func isSortedAndContains(_ value: Int64) -> Bool {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < self.count && self[low] == value
    }
}
