import AgentProtocol

/// Decides what the agent does next: one execution at a time, the others in order of arrival.
struct AgentStateMachine {
    enum State: Equatable {
        /// No configuration yet. Can transition to: `preparing`.
        case unconfigured
        /// Warm interpreters start for the first time. Can transition to: `idle`.
        case preparing
        /// Nothing runs. Can transition to: `starting` when there is a request.
        case idle
        /// Waits for an interpreter to take this one. Can transition to: `running`, or `idle` if it cannot start.
        case starting(ExecuteRequest)
        /// User code runs. Can transition to: `idle` after the sweep.
        case running(AgentExecutionID)
    }

    enum Action: Equatable {
        case none
        /// Find it an interpreter.
        case start(ExecuteRequest)
        /// Kill the running one and answer that it was cancelled.
        case endRunning
        /// It never started: answer so.
        case answer(AgentExecutionID, EndReason)
    }

    /// A host that sends more than this without waiting for answers is refused.
    static let longestQueue = 64

    private(set) var state: State = .unconfigured
    private var queue: [ExecuteRequest] = []

    mutating func configured() { if self.state == .unconfigured { self.state = .preparing } }

    mutating func prepared() -> Action {
        guard self.state == .preparing else { return .none }
        self.state = .idle
        return self.startNext()
    }

    mutating func received(_ request: ExecuteRequest) -> Action {
        guard self.queue.count < Self.longestQueue else {
            return .answer(request.id, .couldNotStart("the sandbox has \(self.queue.count) executions waiting"))
        }
        self.queue.append(request)
        return self.startNext()
    }

    /// The interpreter has its order.
    mutating func started() {
        if case .starting(let request) = self.state { self.state = .running(request.id) }
    }

    /// What was starting or running is answered and everything of it is dead.
    mutating func ended() -> Action {
        self.state = .idle
        return self.startNext()
    }

    mutating func cancelled(_ id: AgentExecutionID) -> Action {
        if case .running(id) = self.state { return .endRunning }
        if case .starting(let request) = self.state, request.id == id {
            self.state = .idle
            return .answer(id, .cancelled)
        }
        guard let index = self.queue.firstIndex(where: { $0.id == id }) else { return .none }
        self.queue.remove(at: index)
        return .answer(id, .cancelled)
    }

    /// Whoever asked is gone: nothing waits or runs any more.
    mutating func hostGone() {
        self.queue = []
        switch self.state {
        case .unconfigured, .preparing: break
        case .idle, .starting, .running: self.state = .idle
        }
    }

    /// Also asked after an answer, since that may have made room.
    mutating func startNext() -> Action {
        guard self.state == .idle, !self.queue.isEmpty else { return .none }
        let request = self.queue.removeFirst()
        self.state = .starting(request)
        return .start(request)
    }
}
