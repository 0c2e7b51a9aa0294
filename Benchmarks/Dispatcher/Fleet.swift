import MessageBus
import Messages
import ServiceKit

/// Nodes that start every sandbox at once, and end executions at once or when they are told to.
final class Fleet: Sendable {
    private struct State {
        var isHolding = true
        var held: [ExecutionReference] = []
        var ready = 0
        var changed = Signal()
    }

    let nodes: [NodeID]
    private let partitions: Int
    private let state = Locked(State())
    private let log = Locked<MemoryLog?>(nil)

    init(count: Int, partitions: Int) {
        self.nodes = (0..<count).map { NodeID("node-\($0)") }
        self.partitions = partitions
    }

    func attach(to log: MemoryLog) { self.log.withLock { $0 = log } }

    /// What every node says to every partition now and then.
    func heartbeats() -> [OutgoingMessage] {
        self.nodes.flatMap { node in
            let heartbeat = NodeHeartbeat(node: node, boot: Incarnation("b"), capacity: 100, sessions: 0)
            let body = Envelope(at: .now(), Event.nodeHeartbeat(heartbeat)).encoded()
            return (0..<self.partitions).map {
                OutgoingMessage(topic: Topics.events, key: node.rawValue, partition: $0, body: body)
            }
        }
    }

    /// Carries out what was sent to nodes.
    func receive(_ messages: [OutgoingMessage]) {
        var events: [OutgoingMessage] = []
        var ready = 0
        for message in messages {
            guard let body = message.body, let record = try? Envelope<NodeCommand>(decoding: body) else { continue }
            switch record.payload {
            case .ensureSession(let spec, _):
                ready += 1
                let reference = SessionReference(
                    session: spec.id,
                    incarnation: spec.incarnation,
                    container: ContainerID("c-\(spec.id)")
                )
                let node = NodeID(String(message.topic.dropFirst(Topics.node(NodeID("")).count)))
                events.append(Self.message(.sessionReady(reference, node: node)))
            case .execute(let spec, let attempt):
                let reference = ExecutionReference(execution: spec.id, session: spec.session, attempt: attempt)
                let isHeld = self.state.withLock { state in
                    if state.isHolding { state.held.append(reference) }
                    return state.isHolding
                }
                if !isHeld { events.append(Self.end(reference)) }
            case .report, .endSession, .cancel, .resolve, .drain: break
            }
        }
        self.log.withLock { $0 }?.append(events)
        let new = ready
        let changed = self.state.withLock { state in
            state.ready += new
            defer { state.changed = Signal() }
            return state.changed
        }
        changed.fire()
    }

    private static func end(_ reference: ExecutionReference) -> OutgoingMessage {
        let ended = ExecutionEnded(
            reference: reference,
            outcome: ExecutionOutcome(status: .completed, exitCode: 0),
            startedAt: .now(),
            endedAt: .now()
        )
        return Self.message(.executionEnded(ended))
    }

    private static func message(_ event: Event) -> OutgoingMessage {
        OutgoingMessage(topic: Topics.events, key: event.key ?? "", body: Envelope(at: .now(), event).encoded())
    }

    /// Ends what runs, and from now on everything as soon as it begins.
    func letGo() {
        let held = self.state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        self.log.withLock { $0 }?.append(held.map { Self.end($0) })
    }

    func waitUntil(ready count: Int) async throws {
        while true {
            let (isThere, changed) = self.state.withLock { ($0.ready >= count, $0.changed) }
            if isThere { return }
            try await changed.wait()
        }
    }
}
