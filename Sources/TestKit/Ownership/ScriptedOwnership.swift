import MessageBus
import ServiceKit

/// What a ``ScriptedMember`` hands to its owner of partitions.
final class ScriptedOwnership: PartitionOwnership {
    private struct State {
        var events: [OwnershipEvent] = []
        var arrival = Signal()
        var owned: Set<Int> = []
        var leaving: [Int: Signal] = [:]
        var followers: [Int: [any MessageFollower]] = [:]
        var isClosed = false
    }

    private let bus: ScriptedMember
    private let topics: [String]
    private let state = Locked(State())

    init(bus: ScriptedMember, topics: [String]) {
        self.bus = bus
        self.topics = topics
    }

    // MARK: The test's side

    func tell(_ event: OwnershipEvent) {
        let arrival = self.state.withLock { state in
            if case .gained(let partitions) = event { state.owned.formUnion(partitions) }
            state.events.append(event)
            return state.arrival
        }
        arrival.fire()
    }

    func revoke(_ partitions: [Int]) async throws {
        let signals = self.state.withLock { state in
            partitions.map { partition in
                let signal = Signal()
                state.leaving[partition] = signal
                return signal
            }
        }
        await self.stopFeeding(partitions)
        self.tell(.leaving(partitions))
        for signal in signals { try await signal.wait() }
    }

    func lose(_ partitions: [Int]) async {
        await self.stopFeeding(partitions)
        self.tell(.lost(partitions))
    }

    private func stopFeeding(_ partitions: [Int]) async {
        let followers = self.state.withLock { state in
            state.owned.subtract(partitions)
            // What was not taken yet is not theirs any more.
            state.events = state.events.map { event in
                guard case .deliveries(let deliveries) = event else { return event }
                return .deliveries(deliveries.filter { !partitions.contains($0.partition) })
            }
            return partitions.flatMap { state.followers.removeValue(forKey: $0) ?? [] }
        }
        for follower in followers { await follower.close() }
    }

    // MARK: The owner's side

    func next(upTo limit: Int) async throws -> OwnershipEvent? {
        while true {
            let (event, arrival, isClosed) = self.state.withLock { state in
                while let first = state.events.first {
                    guard case .deliveries(let deliveries) = first else { break }
                    if !deliveries.isEmpty { break }
                    state.events.removeFirst()
                }
                if state.events.isEmpty, state.arrival.isFired { state.arrival = Signal() }
                return (state.events.isEmpty ? nil : state.events.removeFirst(), state.arrival, state.isClosed)
            }
            if isClosed { return nil }
            if let event { return event }
            try await arrival.wait()
        }
    }

    func begin(_ partition: Int, at offsets: [String: Int64]) async throws(BusError) {
        guard self.state.withLock({ $0.owned.contains(partition) }) else {
            throw BusError(.notHeld, "the partition is somebody else's")
        }
        for topic in self.topics {
            let follower = try await self.bus.follow(topic, only: [partition], from: [partition: offsets[topic] ?? 0])
            self.state.withLock { $0.followers[partition, default: []].append(follower) }
            // Ends with the follower, which the test or `close()` closes.
            Task { [weak self] in
                while let deliveries = try? await follower.next(upTo: 64), !deliveries.isEmpty {
                    guard let self, self.state.withLock({ $0.owned.contains(partition) }) else { return }
                    self.tell(.deliveries(deliveries))
                }
            }
        }
    }

    func release(_ partitions: [Int]) async {
        let signals = self.state.withLock { state in partitions.compactMap { state.leaving.removeValue(forKey: $0) } }
        for signal in signals { signal.fire() }
    }

    func note(_ next: Int64, of topic: String, partition: Int) {}

    func close() async {
        let (followers, arrival) = self.state.withLock { state in
            state.isClosed = true
            defer { state.followers = [:] }
            return (state.followers.values.flatMap { $0 }, state.arrival)
        }
        arrival.fire()
        for follower in followers { await follower.close() }
    }
}
