import MessageBus
import Messages
import ServiceKit

/// What the state topic says, to somebody who knows an owner from one that has lost its partition.
final class StateView: Sendable {
    struct Content {
        var executions: [ExecutionID: Execution] = [:]
        var sessions: [SessionID: Session] = [:]
        var templates: [TemplateID: Template] = [:]
        var nodes: [NodeID: Node] = [:]
        /// Distinct ends that were written for an execution.
        var ends: [ExecutionID: Set<ExecutionStatus>] = [:]
        var claims: [Int: Int64] = [:]
        var checkpoints: [Int: Checkpoint] = [:]
        /// Keys of records that came from somebody who had lost their partition.
        var void: [StateKey] = []
    }

    private let follower: any MessageFollower
    private let state = Locked((content: Content(), changed: Signal()))

    private init(_ follower: any MessageFollower) {
        self.follower = follower
    }

    static func open(log: any MessageBus) async throws -> StateView {
        StateView(try await log.follow(Topics.state, from: [:]))
    }

    var content: Content { self.state.withLock { $0.content } }

    /// Returns when the condition holds.
    func wait(_ condition: (Content) -> Bool) async throws {
        while true {
            let (content, changed) = self.state.withLock { $0 }
            if condition(content) { return }
            try await changed.wait()
        }
    }

    func run() async throws {
        while true {
            let deliveries = try await self.follower.next(upTo: 64)
            if deliveries.isEmpty { return }
            for delivery in deliveries { try self.take(delivery) }
            let changed = self.state.withLock { state in
                defer { state.changed = Signal() }
                return state.changed
            }
            changed.fire()
        }
    }

    private func take(_ delivery: Delivery) throws {
        guard let body = delivery.body else {
            self.state.withLock { state in
                if case .execution(let id)? = StateKey(delivery.key) { state.content.executions[id] = nil }
            }
            return
        }
        let record = try Envelope<StateRecord>(decoding: body)
        self.state.withLock { state in
            if let epoch = record.origin?.epoch, epoch < state.content.claims[delivery.partition] ?? 0 {
                state.content.void.append(record.payload.key)
                return
            }
            switch record.payload {
            case .claim: state.content.claims[delivery.partition] = delivery.offset
            case .checkpoint(let checkpoint): state.content.checkpoints[delivery.partition] = checkpoint
            case .execution(let execution):
                let id = execution.spec.id
                state.content.executions[id] = execution
                if execution.status.isTerminal { state.content.ends[id, default: []].insert(execution.status) }
            case .session(let session): state.content.sessions[session.spec.id] = session
            case .template(let template): state.content.templates[template.id] = template
            case .node(let node): state.content.nodes[node.heartbeat.node] = node
            case .decision: break
            }
        }
    }
}
