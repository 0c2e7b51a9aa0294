import MessageBus
import Messages
import ServiceKit

/// A worker node that starts every sandbox and ends every execution, and counts how often each began.
final class ScriptedNode: Sendable {
    private struct State {
        var sessions: [SessionID: SessionReference] = [:]
        /// Attempts that began, by execution.
        var begun: [ExecutionID: [Int]] = [:]
        var epochs: [Int: Int64] = [:]
        var void = 0
        /// Executions that begin, and whose end waits for ``finish()``.
        var isHolding = false
        var held: [ExecutionReference] = []
        var changed = Signal()
    }

    static let id = NodeID("n1")

    private let log: any MessageBus
    private let follower: any MessageFollower
    private let partitions: Int
    private let state = Locked(State())

    private init(log: any MessageBus, follower: any MessageFollower, partitions: Int) {
        self.log = log
        self.follower = follower
        self.partitions = partitions
    }

    static func open(log: any MessageBus, partitions: Int) async throws -> ScriptedNode {
        let topic = Topics.node(Self.id)
        try await log.ensureTopics([TopicConfiguration(name: topic, partitions: 1)])
        let node = ScriptedNode(log: log, follower: try await log.follow(topic, from: [:]), partitions: partitions)
        try await node.beat()
        return node
    }

    var begun: [ExecutionID: [Int]] { self.state.withLock { $0.begun } }
    /// Commands that came from dispatchers that had lost their partition.
    var void: Int { self.state.withLock { $0.void } }

    func hold() { self.state.withLock { $0.isHolding = true } }

    /// Ends what is held, and holds nothing more.
    func finish() async throws {
        let held = self.state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for reference in held { try await self.end(reference) }
    }

    /// Returns when the condition holds.
    func wait(_ condition: ([ExecutionID: [Int]]) -> Bool) async throws {
        while true {
            let (begun, changed) = self.state.withLock { ($0.begun, $0.changed) }
            if condition(begun) { return }
            try await changed.wait()
        }
    }

    func beat() async throws {
        let sessions = self.state.withLock { $0.sessions.count }
        let heartbeat = NodeHeartbeat(node: Self.id, boot: Incarnation("b"), capacity: 100, sessions: sessions)
        let body = Envelope(at: .now(), Event.nodeHeartbeat(heartbeat)).encoded()
        try await self.log.publish(
            (0..<self.partitions).map {
                OutgoingMessage(topic: Topics.events, key: "n1", partition: $0, body: body)
            },
            durability: .relaxed
        )
    }

    func run() async throws {
        while true {
            let deliveries = try await self.follower.next(upTo: 64)
            if deliveries.isEmpty { return }
            for delivery in deliveries {
                let record = try Envelope<NodeCommand>(decoding: delivery.body ?? [])
                if let origin = record.origin, !self.admits(origin) { continue }
                try await self.carryOut(record.payload)
            }
        }
    }

    private func admits(_ origin: Origin) -> Bool {
        self.state.withLock { state in
            guard origin.epoch >= state.epochs[origin.partition] ?? 0 else {
                state.void += 1
                return false
            }
            state.epochs[origin.partition] = origin.epoch
            return true
        }
    }

    private func carryOut(_ command: NodeCommand) async throws {
        switch command {
        case .ensureSession(let spec, _):
            let reference = SessionReference(
                session: spec.id,
                incarnation: spec.incarnation,
                container: ContainerID("c-\(spec.id)")
            )
            self.state.withLock { $0.sessions[spec.id] = reference }
            try await self.publish(.sessionReady(reference, node: Self.id))
        case .execute(let spec, let attempt):
            let reference = ExecutionReference(execution: spec.id, session: spec.session, attempt: attempt)
            let (isNew, isHeld, changed) = self.state.withLock { state in
                guard state.begun[spec.id]?.contains(attempt) != true else { return (false, false, state.changed) }
                state.begun[spec.id, default: []].append(attempt)
                if state.isHolding { state.held.append(reference) }
                defer { state.changed = Signal() }
                return (true, state.isHolding, state.changed)
            }
            if isNew {
                changed.fire()
                if !isHeld { try await self.end(reference) }
            }
        case .report: try await self.report()
        case .endSession(let reference): self.state.withLock { $0.sessions[reference.session] = nil }
        case .cancel, .resolve, .drain: break
        }
    }

    private func report() async throws {
        let sessions = self.state.withLock { Array($0.sessions.values) }
        for partition in 0..<self.partitions {
            let own = sessions.filter {
                Partitioner.partition(of: $0.session.rawValue, count: self.partitions) == partition
            }
            let report = NodeReport(
                node: Self.id,
                boot: Incarnation("b"),
                isFirst: false,
                sessions: own,
                capacity: 100
            )
            let body = Envelope(at: .now(), Event.nodeReport(report)).encoded()
            try await self.log.publish(
                OutgoingMessage(topic: Topics.events, key: "n1", partition: partition, body: body)
            )
        }
    }

    private func end(_ reference: ExecutionReference) async throws {
        let ended = ExecutionEnded(
            reference: reference,
            outcome: ExecutionOutcome(status: .completed, exitCode: 0),
            startedAt: .now(),
            endedAt: .now()
        )
        try await self.publish(.executionEnded(ended))
    }

    private func publish(_ event: Event) async throws {
        let body = Envelope(at: .now(), event).encoded()
        try await self.log.publish(OutgoingMessage(topic: Topics.events, key: event.key ?? "", body: body))
    }
}
