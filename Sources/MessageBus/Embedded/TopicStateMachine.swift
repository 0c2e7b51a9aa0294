/// Decides who gets the messages of one topic.
///
/// It knows only what is committed. Whoever calls it runs the resumptions after leaving the lock.
struct TopicStateMachine: Sendable {
    private let tailBounds: PartitionTail.Bounds
    private(set) var tails: [PartitionTail]
    /// Never removed: a subscription keeps the index.
    private(set) var groups: [GroupStateMachine] = []
    private var followers: [FollowerStateMachine] = []
    private var nextID: UInt64 = 0
    /// The bus is closed.
    private(set) var hasEnded = false

    /// - Parameter groups: What each group has settled, by partition.
    init(ends: [Int64], groups: [String: [Int64]], tailBounds: PartitionTail.Bounds) {
        self.tailBounds = tailBounds
        self.tails = ends.map { PartitionTail(end: $0) }
        self.groups = groups.map { GroupStateMachine(name: $0.key, committed: $0.value) }
    }

    private mutating func makeID() -> UInt64 {
        self.nextID += 1
        return self.nextID
    }

    // MARK: Consumers come and go

    mutating func subscribe(_ name: String) -> ConsumerID {
        let group =
            self.groups.firstIndex { $0.name == name }
            ?? {
                self.groups.append(GroupStateMachine(name: name, committed: self.tails.map { _ in 0 }))
                return self.groups.count - 1
            }()
        let id = self.makeID()
        self.groups[group].join(id)
        return .member(group: group, id: id)
    }

    mutating func follow(from offsets: [Int64]) -> ConsumerID {
        let id = self.makeID()
        self.followers.append(
            FollowerStateMachine(id: id, positions: offsets, startEnds: self.tails.map(\.end))
        )
        return .follower(id: id)
    }

    mutating func stop(_ consumer: ConsumerID) -> [Resumption] {
        guard case .member(let group, let id) = consumer else { return [] }
        defer { self.trimAll() }
        return self.groups[group].stop(id, tails: self.tails)
    }

    mutating func close(_ consumer: ConsumerID) -> [Resumption] {
        defer { self.trimAll() }
        switch consumer {
        case .member(let group, let id):
            return self.groups[group].leave(id, tails: self.tails)
        case .follower(let id):
            guard let index = self.followers.firstIndex(where: { $0.id == id }) else { return [] }
            var follower = self.followers.remove(at: index)
            return follower.close()
        }
    }

    /// Ends every consumer: the bus is closed.
    mutating func end() -> [Resumption] {
        self.hasEnded = true
        var resumptions: [Resumption] = []
        for group in self.groups.indices { resumptions += self.groups[group].end() }
        for follower in self.followers.indices { resumptions += self.followers[follower].close() }
        self.followers = []
        return resumptions
    }

    // MARK: Messages come and go

    /// Adds committed messages, in order, and hands them to whoever waits.
    mutating func append(_ deliveries: [Delivery]) -> [Resumption] {
        for delivery in deliveries { self.tails[delivery.partition].append(delivery) }
        var resumptions: [Resumption] = []
        for group in self.groups.indices { resumptions += self.groups[group].serveAll(tails: self.tails) }
        for follower in self.followers.indices { resumptions += self.followers[follower].serve(tails: self.tails) }
        self.trimAll()
        return resumptions
    }

    mutating func take(_ consumer: ConsumerID, limit: Int) -> Taking? {
        defer { self.trimAll() }
        switch consumer {
        case .member(let group, let id):
            return self.groups[group].take(id, limit: limit, tails: self.tails)
        case .follower(let id):
            guard let index = self.followers.firstIndex(where: { $0.id == id }) else { return .ended }
            return self.followers[index].take(limit: limit, tails: self.tails)
        }
    }

    mutating func takeOrWait(_ consumer: ConsumerID, _ waiter: Waiter) -> Taking? {
        defer { self.trimAll() }
        switch consumer {
        case .member(let group, let id):
            return self.groups[group].takeOrWait(id, waiter, tails: self.tails)
        case .follower(let id):
            guard let index = self.followers.firstIndex(where: { $0.id == id }) else { return .ended }
            return self.followers[index].takeOrWait(waiter, tails: self.tails)
        }
    }

    mutating func cancelWaiter(_ waiter: UInt64, of consumer: ConsumerID) -> Waiter? {
        switch consumer {
        case .member(let group, let id):
            return self.groups[group].cancelWaiter(waiter, of: id)
        case .follower(let id):
            guard let index = self.followers.firstIndex(where: { $0.id == id }) else { return nil }
            return self.followers[index].cancelWaiter(waiter)
        }
    }

    /// Reports what a read found, `nil` if it failed; returns what the reader gets, empty if it is to ask again.
    mutating func didRead(
        _ read: LogRead,
        _ chunk: LogChunk?,
        by consumer: ConsumerID
    ) -> (deliveries: [Delivery], resumptions: [Resumption]) {
        defer { self.trimAll() }
        switch consumer {
        case .member(let group, let id):
            return self.groups[group].didRead(read, chunk, by: id, tails: self.tails)
        case .follower(let id):
            guard let index = self.followers.firstIndex(where: { $0.id == id }) else { return ([], []) }
            return self.followers[index].didRead(read, chunk, tails: self.tails)
        }
    }

    mutating func settle(_ offsets: Set<Int64>, of partition: Int, in group: Int) -> [Resumption] {
        defer { self.trimAll() }
        return self.groups[group].settle(offsets, of: partition, tails: self.tails)
    }

    func hasCaughtUp(_ consumer: ConsumerID) -> Bool {
        guard case .follower(let id) = consumer else { return false }
        return self.followers.first { $0.id == id }?.hasCaughtUp ?? true
    }

    /// Lets go of what every present consumer has taken.
    private mutating func trimAll() {
        for partition in self.tails.indices where self.tails[partition].count > 0 {
            var needed = self.tails[partition].end
            for group in self.groups where !group.members.isEmpty {
                needed = min(needed, group.partitions[partition].position)
            }
            for follower in self.followers { needed = min(needed, follower.positions[partition]) }
            self.tails[partition].trim(below: needed, bounds: self.tailBounds)
        }
    }
}
