/// Decides which member of a consumer group gets which messages of one topic.
///
/// A partition changes hands only when its owner has settled what it holds, or leaves: no message comes to two members
/// unless one of them has left it unsettled.
struct GroupStateMachine: Sendable {
    struct Member: Sendable {
        let id: UInt64
        /// Takes nothing more, but may settle what it holds.
        var isStopped = false
        var waiters: [Waiter] = []
        /// Owned, and not to be handed over.
        var partitions: [Int] = []
        /// Where the next look at `partitions` starts, so that none starves.
        var turn = 0
    }

    let name: String
    private(set) var partitions: [GroupPartition]
    /// In the order in which they joined.
    private(set) var members: [Member] = []

    init(name: String, committed: [Int64]) {
        self.name = name
        self.partitions = committed.map { GroupPartition(committed: $0) }
    }

    // MARK: Membership

    mutating func join(_ id: UInt64) {
        self.members.append(Member(id: id))
        self.assign()
        // Gained partitions are served when the member asks; nobody else gains any.
        _ = self.handOver()
    }

    mutating func stop(_ id: UInt64, tails: [PartitionTail]) -> [Resumption] {
        guard let index = self.index(of: id), !self.members[index].isStopped else { return [] }
        self.members[index].isStopped = true
        let ended = self.members[index].waiters.map { Resumption($0, .ended) }
        self.members[index].waiters = []
        self.assign()
        return ended + self.serve(self.handOver(), tails: tails)
    }

    mutating func leave(_ id: UInt64, tails: [PartitionTail]) -> [Resumption] {
        guard let index = self.index(of: id) else { return [] }
        let ended = self.members.remove(at: index).waiters.map { Resumption($0, .ended) }
        for partition in self.partitions.indices where self.partitions[partition].owner == id {
            self.partitions[partition].release()
        }
        self.assign()
        return ended + self.serve(self.handOver(), tails: tails)
    }

    /// Ends every member: the bus is closed.
    mutating func end() -> [Resumption] {
        let ended = self.members.flatMap { $0.waiters.map { Resumption($0, .ended) } }
        self.members = []
        for partition in self.partitions.indices { self.partitions[partition].release() }
        return ended
    }

    func isMember(_ id: UInt64) -> Bool { self.index(of: id) != nil }

    private func index(of id: UInt64) -> Int? { self.members.firstIndex { $0.id == id } }

    /// Decides who is to own what: evenly, and with as few changes as possible.
    private mutating func assign() {
        let active = self.members.filter { !$0.isStopped }.map(\.id)
        guard !active.isEmpty else {
            for partition in self.partitions.indices { self.partitions[partition].target = nil }
            return
        }
        let share = self.partitions.count / active.count
        var larger = self.partitions.count % active.count
        var counts = Dictionary(uniqueKeysWithValues: active.map { ($0, 0) })
        var free: [Int] = []
        for partition in self.partitions.indices {
            guard let target = self.partitions[partition].target, let count = counts[target] else {
                free.append(partition)
                continue
            }
            if count >= share {
                guard count == share, larger > 0 else {
                    free.append(partition)
                    continue
                }
                larger -= 1
            }
            counts[target] = count + 1
        }
        for partition in free {
            guard let target = active.min(by: { counts[$0, default: 0] < counts[$1, default: 0] }) else { continue }
            counts[target, default: 0] += 1
            self.partitions[partition].target = target
        }
    }

    /// Hands over what is at rest, and returns the members that gained.
    private mutating func handOver() -> Set<UInt64> {
        var gaining: Set<UInt64> = []
        for partition in self.partitions.indices {
            let state = self.partitions[partition]
            guard state.owner != state.target, state.isAtRest else { continue }
            self.partitions[partition].owner = state.target
            if let target = state.target { gaining.insert(target) }
        }
        for index in self.members.indices {
            let id = self.members[index].id
            self.members[index].partitions = self.partitions.indices.filter {
                self.partitions[$0].owner == id && self.partitions[$0].target == id
            }
        }
        return gaining
    }

    // MARK: Taking

    mutating func take(_ id: UInt64, limit: Int, tails: [PartitionTail]) -> Taking? {
        guard let index = self.index(of: id), !self.members[index].isStopped else { return .ended }
        let (owned, turn) = (self.members[index].partitions, self.members[index].turn)
        var taken: [Delivery] = []
        for step in owned.indices {
            let partition = owned[(turn + step) % owned.count]
            let tail = tails[partition]
            guard self.partitions[partition].position < tail.end, !self.partitions[partition].isReading else {
                continue
            }
            self.members[index].turn = (turn + step + 1) % owned.count
            if self.partitions[partition].position < tail.start {
                guard taken.isEmpty else {
                    // What was taken from memory is not kept waiting for the disk: this partition is first next time.
                    self.members[index].turn = (turn + step) % owned.count
                    break
                }
                return .read(
                    self.partitions[partition].beginRead(end: tail.start, partition: partition, limit: limit)
                )
            }
            // More than once only if some of it is settled already.
            while taken.count < limit, self.partitions[partition].position < tail.end {
                let position = self.partitions[partition].position
                taken += self.partitions[partition].handOut(tail.messages(from: position, limit: limit - taken.count))
            }
            if taken.count == limit { break }
        }
        return taken.isEmpty ? nil : .deliveries(taken)
    }

    /// Takes, or waits until there is something.
    mutating func takeOrWait(_ id: UInt64, _ waiter: Waiter, tails: [PartitionTail]) -> Taking? {
        if let taking = self.take(id, limit: waiter.limit, tails: tails) { return taking }
        if let index = self.index(of: id) { self.members[index].waiters.append(waiter) }
        return nil
    }

    mutating func cancelWaiter(_ waiter: UInt64, of id: UInt64) -> Waiter? {
        guard let index = self.index(of: id) else { return nil }
        guard let place = self.members[index].waiters.firstIndex(where: { $0.id == waiter }) else { return nil }
        return self.members[index].waiters.remove(at: place)
    }

    /// Reports what a read found; returns what the reader gets, empty if it is to ask again.
    mutating func didRead(
        _ read: LogRead,
        _ chunk: LogChunk?,
        by id: UInt64,
        tails: [PartitionTail]
    ) -> (deliveries: [Delivery], resumptions: [Resumption]) {
        guard self.partitions[read.partition].endRead(read) else { return ([], []) }
        var taken: [Delivery] = []
        if let chunk, self.partitions[read.partition].target == id {
            taken = Array(self.partitions[read.partition].handOut(chunk.deliveries[...]))
            self.partitions[read.partition].skip(to: chunk.end)
        }
        let gaining = self.handOver()
        return (taken, self.serve(gaining.union([id]), tails: tails))
    }

    /// Serves everyone who waits, if there is something for them.
    mutating func serveAll(tails: [PartitionTail]) -> [Resumption] {
        var resumptions: [Resumption] = []
        for index in self.members.indices { self.serve(index, tails: tails, into: &resumptions) }
        return resumptions
    }

    private mutating func serve(_ ids: Set<UInt64>, tails: [PartitionTail]) -> [Resumption] {
        var resumptions: [Resumption] = []
        for index in self.members.indices where ids.contains(self.members[index].id) {
            self.serve(index, tails: tails, into: &resumptions)
        }
        return resumptions
    }

    private mutating func serve(_ index: Int, tails: [PartitionTail], into resumptions: inout [Resumption]) {
        while let waiter = self.members[index].waiters.first {
            guard let taking = self.take(self.members[index].id, limit: waiter.limit, tails: tails) else { return }
            self.members[index].waiters.removeFirst()
            resumptions.append(Resumption(waiter, taking))
        }
    }

    // MARK: Settling

    /// Settles offsets of one partition, and returns who can go on because of it.
    mutating func settle(_ offsets: Set<Int64>, of partition: Int, tails: [PartitionTail]) -> [Resumption] {
        self.partitions[partition].settle(offsets)
        guard self.partitions[partition].owner != self.partitions[partition].target else { return [] }
        return self.serve(self.handOver(), tails: tails)
    }
}
