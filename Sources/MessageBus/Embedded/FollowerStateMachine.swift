/// Decides what a follower of a topic gets next: every partition, in turn.
struct FollowerStateMachine: Sendable {
    let id: UInt64
    /// The next offset of each partition.
    private(set) var positions: [Int64]
    private let startEnds: [Int64]
    private var waiters: [Waiter] = []
    /// Where the next look at the partitions starts, so that none starves.
    private var turn = 0
    /// A read under way. Calls made meanwhile wait, or they would overtake it.
    private var read: LogRead?
    private var epoch: UInt64 = 0

    init(id: UInt64, positions: [Int64], startEnds: [Int64]) {
        self.id = id
        self.positions = positions
        self.startEnds = startEnds
    }

    /// Whether everything that existed at the start has been handed out.
    var hasCaughtUp: Bool { zip(self.positions, self.startEnds).allSatisfy { $0 >= $1 } }

    mutating func take(limit: Int, tails: [PartitionTail]) -> Taking? {
        guard self.read == nil else { return nil }
        let turn = self.turn
        var taken: [Delivery] = []
        for step in tails.indices {
            let partition = (turn + step) % tails.count
            let (position, tail) = (self.positions[partition], tails[partition])
            guard position < tail.end else { continue }
            self.turn = (partition + 1) % tails.count
            if position < tail.start {
                if !taken.isEmpty {
                    self.turn = partition
                    break
                }
                self.epoch += 1
                let read = LogRead(
                    partition: partition,
                    start: position,
                    end: tail.start,
                    limit: limit,
                    epoch: self.epoch
                )
                self.read = read
                return .read(read)
            }
            let messages = tail.messages(from: position, limit: limit - taken.count)
            taken += messages
            self.positions[partition] = position + Int64(messages.count)
            if taken.count == limit { break }
        }
        return taken.isEmpty ? nil : .deliveries(taken)
    }

    mutating func takeOrWait(_ waiter: Waiter, tails: [PartitionTail]) -> Taking? {
        if let taking = self.take(limit: waiter.limit, tails: tails) { return taking }
        self.waiters.append(waiter)
        return nil
    }

    mutating func cancelWaiter(_ waiter: UInt64) -> Waiter? {
        self.waiters.firstIndex { $0.id == waiter }.map { self.waiters.remove(at: $0) }
    }

    mutating func didRead(
        _ read: LogRead,
        _ chunk: LogChunk?,
        tails: [PartitionTail]
    ) -> (deliveries: [Delivery], resumptions: [Resumption]) {
        guard self.read == read else { return ([], []) }
        self.read = nil
        if let chunk { self.positions[read.partition] = chunk.end }
        return (chunk?.deliveries ?? [], self.serve(tails: tails))
    }

    mutating func serve(tails: [PartitionTail]) -> [Resumption] {
        var resumptions: [Resumption] = []
        while let waiter = self.waiters.first, let taking = self.take(limit: waiter.limit, tails: tails) {
            self.waiters.removeFirst()
            resumptions.append(Resumption(waiter, taking))
        }
        return resumptions
    }

    mutating func close() -> [Resumption] {
        defer { self.waiters = [] }
        return self.waiters.map { Resumption($0, .ended) }
    }
}
