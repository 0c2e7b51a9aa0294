internal import Messages

/// Decides what becomes of one session while nodes and sandboxes come and go.
struct SessionStateMachine: Sendable, Equatable {
    enum State: Sendable, Equatable {
        /// No node could take it yet. Can transition to: `starting`, `ended`.
        case unplaced
        /// A node was asked for a sandbox. Can transition to:
        ///   - `ready` when the node has it,
        ///   - `unplaced` when the node has no room, or is lost,
        ///   - `ended` when it cannot be had, takes too long, or the session is ended.
        case starting(NodeID)
        /// The sandbox takes executions. Can transition to:
        ///   - `restarting` when the node does not have it any more,
        ///   - `ended`.
        case ready(NodeID, ContainerID)
        /// The node was asked for a new sandbox over the same files; executions wait. Can transition to: `ready`, `ended`.
        case restarting(NodeID, ContainerID)
        /// Final.
        case ended
    }

    enum Action: Sendable, Equatable {
        case none
        /// Ask the node for a sandbox, with the container whose files it shall have.
        case ensure(NodeID, ContainerID?)
        /// The sandbox is there: executions may go.
        case opened
        /// Record the end; where a node was involved, let it remove what is there.
        case close(SessionStatus, Problem?, node: NodeID?)
    }

    private(set) var state: State

    init() {
        self.state = .unplaced
    }

    init(restoring session: Session) {
        switch (session.status.isActive, session.node, session.container) {
        case (false, _, _): self.state = .ended
        case (true, nil, _): self.state = .unplaced
        case (true, .some(let node), nil): self.state = .starting(node)
        case (true, .some(let node), .some(let container)):
            self.state = session.isRestarting ? .restarting(node, container) : .ready(node, container)
        }
    }

    var node: NodeID? {
        switch self.state {
        case .unplaced, .ended: nil
        case .starting(let node), .ready(let node, _), .restarting(let node, _): node
        }
    }

    var container: ContainerID? {
        switch self.state {
        case .ready(_, let container), .restarting(_, let container): container
        case .unplaced, .starting, .ended: nil
        }
    }

    /// Whether an execution may be handed to its node.
    var takesExecutions: Bool {
        if case .ready = self.state { true } else { false }
    }

    var isRestarting: Bool {
        if case .restarting = self.state { true } else { false }
    }

    mutating func place(on node: NodeID) -> Action {
        guard case .unplaced = self.state else { return .none }
        self.state = .starting(node)
        return .ensure(node, nil)
    }

    /// The node that was asked cannot have it: nothing is lost, as nothing has begun.
    /// - Returns: Whether another node is to be looked for.
    mutating func placementFailed() -> Bool {
        guard case .starting = self.state else { return false }
        self.state = .unplaced
        return true
    }

    /// A sandbox for it is up. Said again, or by a node that is not asked any more, it changes nothing.
    mutating func sandboxReady(on node: NodeID, container: ContainerID) -> Action {
        switch self.state {
        case .starting(node), .unplaced, .restarting(node, container):
            self.state = .ready(node, container)
            return .opened
        default: return .none
        }
    }

    mutating func sandboxFailed(_ problem: Problem) -> Action {
        if case .ended = self.state { return .none }
        return self.end(.failed, problem)
    }

    /// The node was asked what it has: nothing of this session. A report written before the node knew of it says the same,
    /// so asking again must do no harm.
    mutating func missingOnNode() -> Action {
        switch self.state {
        case .starting(let node): return .ensure(node, nil)
        case .ready(let node, let container), .restarting(let node, let container):
            self.state = .restarting(node, container)
            return .ensure(node, container)
        case .unplaced, .ended: return .none
        }
    }

    mutating func end(_ status: SessionStatus, _ problem: Problem? = nil) -> Action {
        if case .ended = self.state { return .none }
        let node = self.node
        self.state = .ended
        return .close(status, problem, node: node)
    }
}
