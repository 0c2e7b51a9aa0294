import AgentProtocol

/// Decides what becomes of one sandbox and of who waits for it.
package struct SandboxStateMachine: Sendable {
    typealias ReadyAnswer = @Sendable (Result<AgentReady, RuntimeError>) -> Void
    typealias OrderAnswer = @Sendable (Result<ExecutionEnd, RuntimeError>) -> Void

    enum State: Sendable {
        /// The agent is not ready. Can transition to: `idle` when it says so, `ending`.
        case starting(ReadyAnswer?)
        /// Waits for an order. Can transition to: `running`, `ending`.
        case idle
        /// The agent has an order. Can transition to: `idle` when it reports its end, `ending`.
        case running(AgentExecutionID, OrderAnswer)
        /// Its processes are being killed; `reason` is known or will be when they have gone. Can transition to: `ended`
        /// when they are, and the host has tidied up.
        case ending(reason: SandboxEnd?, ready: ReadyAnswer?, order: OrderAnswer?)
        /// Final.
        case ended(SandboxEnd)
    }

    enum Action: Sendable {
        case none
        case answerReady(ReadyAnswer, AgentReady)
        case answerOrder(OrderAnswer, ExecutionEnd)
        case refuse(OrderAnswer, RuntimeError)
        case refuseReady(ReadyAnswer, RuntimeError)
        /// Write the order to the agent.
        case send
        /// Kill what is left.
        case kill
        /// Everyone learns of the end.
        case announce(SandboxEnd, ready: ReadyAnswer?, order: OrderAnswer?)
    }

    private(set) var state: State = .starting(nil)
    /// It said so before anybody asked.
    private var early: AgentReady?

    var isEnding: Bool {
        if case .ending = self.state { return true }
        return false
    }

    var end: SandboxEnd? {
        if case .ended(let end) = self.state { return end }
        return nil
    }

    /// Somebody waits for the agent. At most one does.
    mutating func awaitReady(_ answer: @escaping ReadyAnswer) -> Action {
        switch self.state {
        case .starting:
            self.state = .starting(answer)
            return .none
        case .idle, .running:
            guard let ready = self.early else { return .none }
            return .answerReady(answer, ready)
        case .ending(let reason, _, let order):
            self.state = .ending(reason: reason, ready: answer, order: order)
            return .none
        case .ended(let end):
            return .refuseReady(answer, Self.lost(end))
        }
    }

    /// Whoever waits for the agent has lost patience; the sandbox goes on.
    mutating func stopAwaitingReady(_ error: RuntimeError) -> Action {
        guard case .starting(let answer?) = self.state else { return .none }
        self.state = .starting(nil)
        return .refuseReady(answer, error)
    }

    mutating func execute(_ id: AgentExecutionID, _ answer: @escaping OrderAnswer) -> Action {
        switch self.state {
        case .idle:
            self.state = .running(id, answer)
            return .send
        case .starting, .running:
            return .refuse(answer, RuntimeError(.busy, "the sandbox is busy"))
        case .ending(let reason, _, _):
            return .refuse(answer, Self.lost(reason ?? SandboxEnd(reason: .stopped, detail: "it is being stopped")))
        case .ended(let end):
            return .refuse(answer, Self.lost(end))
        }
    }

    mutating func received(_ message: AgentMessage) -> Action {
        switch (message, self.state) {
        case (.ready(let ready), .starting(let answer)):
            self.state = .idle
            self.early = ready
            guard let answer else { return .none }
            return .answerReady(answer, ready)
        case (.ended(let end), .running(let id, let answer)) where end.id == id:
            self.state = .idle
            return .answerOrder(answer, end)
        case (.fault(let message), _):
            return self.stop(SandboxEnd(reason: .exited(code: 1), detail: message))
        case (_, .ending), (_, .ended):
            return .none
        default:
            return self.stop(SandboxEnd(reason: .protocolViolation, detail: "a message that nobody asked for"))
        }
    }

    /// Begins the end. The first reason stands; `nil` leaves it to how the processes ended.
    mutating func stop(_ reason: SandboxEnd?) -> Action {
        switch self.state {
        case .starting(let ready):
            self.state = .ending(reason: reason, ready: ready, order: nil)
        case .idle:
            self.state = .ending(reason: reason, ready: nil, order: nil)
        case .running(_, let order):
            self.state = .ending(reason: reason, ready: nil, order: order)
        case .ending(.none, let ready, let order):
            self.state = .ending(reason: reason, ready: ready, order: order)
            return .none
        case .ending, .ended:
            return .none
        }
        return .kill
    }

    /// All processes are gone and nothing is left on the host.
    ///
    /// - Parameter observed: How the processes ended, for when no reason was known before.
    mutating func gone(_ observed: SandboxEnd) -> Action {
        switch self.state {
        case .ending(let reason, let ready, let order):
            var end = reason ?? observed
            if end.detail.isEmpty { end.detail = observed.detail }
            self.state = .ended(end)
            return .announce(end, ready: ready, order: order)
        case .ended: return .none
        case .starting, .idle, .running:
            // Without a reason of ours the processes ended by themselves.
            _ = self.stop(nil)
            return self.gone(observed)
        }
    }

    package static func lost(_ end: SandboxEnd) -> RuntimeError {
        RuntimeError(.sandboxLost, "the sandbox is gone: \(end)")
    }
}
