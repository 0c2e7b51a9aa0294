public import MessageBus
import ServiceKit
import Synchronization

/// A log whose partitions are handed to owners by a test, so that each moment at which one is lost can be tried.
///
/// Each member sees the log through a ``ScriptedMember`` of its own, which can be cut off from it.
public final class ScriptedGroup: Sendable {
    let log: any MessageBus
    private let members = Locked<[String: ScriptedMember]>([:])

    /// - Parameter log: Holds the messages; its topics exist.
    public init(log: any MessageBus) {
        self.log = log
    }

    /// The log as the member sees it: to be given to what is tested.
    public func member(_ name: String) -> ScriptedMember {
        self.members.withLock { members in
            let member = ScriptedMember(log: self.log)
            members[name] = member
            return member
        }
    }
}

/// One member's connection to the log.
public final class ScriptedMember: PartitionOwningBus {
    private struct State {
        var isCutOff = false
        var reconnected = Signal()
        var held = Signal()
        var ownership: ScriptedOwnership?
        var joined = Signal()
    }

    private let log: any MessageBus
    private let state = Locked(State())

    init(log: any MessageBus) {
        self.log = log
    }

    // MARK: What a test does

    /// Holds every publication from now on, as a member that is paused would.
    public func cutOff() {
        self.state.withLock { state in
            state.isCutOff = true
            state.held = Signal()
        }
    }

    /// Returns when the member has something to publish that is held.
    public func waitUntilHeld() async throws { try await self.state.withLock { $0.held }.wait() }

    public func reconnect() {
        let reconnected = self.state.withLock { state in
            state.isCutOff = false
            defer { state.reconnected = Signal() }
            return state.reconnected
        }
        reconnected.fire()
    }

    /// Gives partitions to the member, once it has joined.
    public func grant(_ partitions: [Int]) async throws { try await self.ownership().tell(.gained(partitions)) }

    /// Asks for partitions, and returns when the member has let them go.
    public func revoke(_ partitions: [Int]) async throws { try await self.ownership().revoke(partitions) }

    /// Takes partitions away without asking.
    public func lose(_ partitions: [Int]) async throws { try await self.ownership().lose(partitions) }

    private func ownership() async throws -> ScriptedOwnership {
        while true {
            let (ownership, joined) = self.state.withLock { ($0.ownership, $0.joined) }
            if let ownership { return ownership }
            try await joined.wait()
        }
    }

    // MARK: The bus

    public func own(_ topics: [String], group: String, member: String) async throws(BusError) -> any PartitionOwnership
    {
        let ownership = ScriptedOwnership(bus: self, topics: topics)
        let joined = self.state.withLock { state in
            state.ownership = ownership
            return state.joined
        }
        joined.fire()
        return ownership
    }

    public func follow(
        _ topic: String,
        only partitions: [Int],
        from offsets: [Int: Int64]
    ) async throws(BusError) -> any MessageFollower {
        let ends = try await self.log.endOffsets(of: topic)
        var from = offsets
        for partition in ends.indices where !partitions.contains(partition) { from[partition] = ends[partition] }
        return PartFollower(base: try await self.log.follow(topic, from: from), partitions: Set(partitions))
    }

    public func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError) {
        while true {
            let (isCutOff, reconnected, held) = self.state.withLock { ($0.isCutOff, $0.reconnected, $0.held) }
            if !isCutOff { break }
            held.fire()
            do { try await reconnected.wait() } catch { throw BusError(.closed, "the member was ended while cut off") }
        }
        try await self.log.publish(messages, durability: durability)
    }

    public func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError) {
        try await self.log.ensureTopics(topics)
    }

    public func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription {
        try await self.log.subscribe(to: topic, group: group)
    }

    public func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower {
        try await self.log.follow(topic, from: offsets)
    }

    public func endOffsets(of topic: String) async throws(BusError) -> [Int64] {
        try await self.log.endOffsets(of: topic)
    }

    public func lag(of group: String, on topic: String) async throws(BusError) -> [Int64] {
        try await self.log.lag(of: group, on: topic)
    }
}

/// Some partitions of what another follower sees.
struct PartFollower: MessageFollower {
    let base: any MessageFollower
    let partitions: Set<Int>

    var startEndOffsets: [Int64] { self.base.startEndOffsets }

    func next(upTo limit: Int) async throws -> [Delivery] {
        while true {
            let deliveries = try await self.base.next(upTo: limit)
            let wanted = deliveries.filter { self.partitions.contains($0.partition) }
            if deliveries.isEmpty || !wanted.isEmpty { return wanted }
        }
    }

    func waitUntilCaughtUp() async throws { try await self.base.waitUntilCaughtUp() }
    func close() async { await self.base.close() }
}
