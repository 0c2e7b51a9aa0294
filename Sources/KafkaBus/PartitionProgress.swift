/// What of a partition was handed out, and how much of it is settled without a gap.
struct PartitionProgress: Sendable, Equatable {
    /// Handed out and not passed, in order.
    private var handedOut: [Int64] = []
    private var settled: Set<Int64> = []
    /// The first offset that the group has not passed; `nil` before anything was settled.
    private(set) var next: Int64?

    var hasUnsettled: Bool { self.handedOut.contains { !self.settled.contains($0) } }

    mutating func handOut(_ offset: Int64) { self.handedOut.append(offset) }

    /// - Returns: Whether it was handed out here.
    mutating func settle(_ offset: Int64) -> Bool {
        if let next, offset < next { return true }
        guard self.handedOut.contains(offset) else { return false }
        self.settled.insert(offset)
        while let first = self.handedOut.first, self.settled.contains(first) {
            self.handedOut.removeFirst()
            self.settled.remove(first)
            self.next = first + 1
        }
        return true
    }
}
