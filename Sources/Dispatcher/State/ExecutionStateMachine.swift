internal import Messages

/// Decides what becomes of one execution while workers come and go.
struct ExecutionStateMachine: Sendable, Equatable {
    enum State: Sendable, Equatable {
        /// Waits for its turn. Can transition to:
        ///   - `running` when it is handed to the node,
        ///   - `ended` when it is cancelled or its session ends.
        case queued
        /// A node has it as `attempt`; only a report of that attempt counts. Can transition to:
        ///   - `queued` when the attempt is lost and may be repeated,
        ///   - `ended` when it is reported, lost for good, or its session ends.
        case running(node: NodeID)
        /// Final: whatever comes later changes nothing.
        case ended
    }

    enum Action: Sendable, Equatable {
        case none
        /// Let the attempt's node end it; the node's report decides how it ended.
        case stopOnNode(NodeID)
        /// Back to the head of its session's queue.
        case requeue
        /// Record this end, once.
        case finish(ExecutionOutcome)
    }

    private(set) var state: State = .queued
    /// The attempt that runs or ran last, from 1; 0 before the first.
    private(set) var attempt = 0
    /// How often it may be started again after it has really started, and how often it was.
    private let retries: Int
    private(set) var retriesUsed = 0
    private(set) var isCancelled = false
    /// When the attempt was handed to its node.
    private(set) var startedAt: Timestamp?

    init(retries: Int) {
        self.retries = retries
    }

    /// As it was stored.
    init(restoring execution: Execution, node: NodeID?) {
        self.attempt = execution.attempt
        self.retries = execution.spec.retries
        self.retriesUsed = execution.retriesUsed
        self.isCancelled = execution.isCancelRequested
        self.startedAt = execution.startedAt
        switch (execution.status, node) {
        case (.running, .some(let node)):
            self.state = .running(node: node)
        case (.pending, _), (.running, nil): self.state = .queued
        default: self.state = .ended
        }
    }

    /// Hands it to a node as the next attempt.
    mutating func start(on node: NodeID, now: Timestamp) {
        guard case .queued = self.state else { return }
        self.attempt += 1
        self.state = .running(node: node)
        self.startedAt = now
    }

    /// A worker, or an executor outside of ours (attempt 0: whichever is current), says how it ended.
    mutating func reported(_ outcome: ExecutionOutcome, attempt: Int) -> Action {
        guard case .running = self.state, attempt == self.attempt || attempt == 0 else { return .none }
        return self.end(outcome)
    }

    /// Nobody runs the attempt any more, and how it ended is not known.
    mutating func lost(attempt: Int, neverStarted: Bool, problem: Problem) -> Action {
        guard case .running = self.state, attempt == self.attempt else { return .none }
        if self.isCancelled { return self.end(Self.cancelled("cancelled before it ran")) }
        if neverStarted || self.retriesUsed < self.retries {
            if !neverStarted { self.retriesUsed += 1 }
            self.state = .queued
            self.startedAt = nil
            return .requeue
        }
        return self.end(ExecutionOutcome(status: .crashed, errorMessage: problem.message))
    }

    /// Its node is given up, and its session with it: there is nowhere to repeat it.
    mutating func nodeLost(_ problem: Problem) -> Action {
        guard case .running = self.state else { return .none }
        if self.isCancelled { return self.end(Self.cancelled("cancelled before it ended")) }
        return self.end(ExecutionOutcome(status: .crashed, errorMessage: problem.message))
    }

    mutating func cancel() -> Action {
        switch self.state {
        case .queued: return self.end(Self.cancelled("cancelled before it ran"))
        case .running(let node):
            self.isCancelled = true
            // Said again if it is asked again: the first request may have found nothing to end yet.
            return .stopOnNode(node)
        case .ended: return .none
        }
    }

    /// The session ends, and with it everything in it.
    mutating func sessionEnded(_ reason: String) -> Action {
        if case .ended = self.state { return .none }
        return self.end(Self.cancelled(reason))
    }

    private mutating func end(_ outcome: ExecutionOutcome) -> Action {
        self.state = .ended
        return .finish(outcome)
    }

    private static func cancelled(_ reason: String) -> ExecutionOutcome {
        ExecutionOutcome(status: .cancelled, errorMessage: reason)
    }
}
