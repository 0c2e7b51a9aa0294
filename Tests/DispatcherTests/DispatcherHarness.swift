import Messages

@testable import Dispatcher

/// A dispatcher's state over a dictionary for a store, with everything it decided.
struct DispatcherHarness {
    var state = DispatcherState()
    var store = MemoryLookup()
    var sent: [NodeCommand] = []
    var decisions: [Decision] = []
    var now = Timestamp(microseconds: 1_000_000_000)
    /// Every end that was recorded.
    var ends: [ExecutionID: [ExecutionStatus]] = [:]

    struct MemoryLookup: DispatcherLookup {
        var sessions: [SessionID: Session] = [:]
        var executions: [ExecutionID: Execution] = [:]
        var order: [ExecutionID] = []
        func session(_ id: SessionID) -> Session? { self.sessions[id] }
        func execution(_ id: ExecutionID) -> Execution? { self.executions[id] }
        func executions(of session: SessionID) -> [ExecutionID] {
            self.order.filter { self.executions[$0]?.spec.session == session }
        }
    }

    static let node = NodeID("n1")

    /// A node with room, and one running session.
    static func running(_ session: String = "s", settings: DispatcherSettings = DispatcherSettings()) throws
        -> DispatcherHarness
    {
        var harness = DispatcherHarness()
        harness.state.settings = settings
        try harness.report([])
        try harness.command(.createSession(harness.spec(session)))
        try harness.ready(session)
        harness.sent = []
        harness.decisions = []
        return harness
    }

    @discardableResult
    mutating func command(_ command: Command) throws -> Decision? {
        let record = Envelope(at: self.now, command)
        self.carryOut(try self.state.apply(record, partition: 0, lookup: self.store))
        return self.decisions.last { $0.command == record.id }
    }

    mutating func event(_ event: Event) throws {
        self.carryOut(try self.state.apply(Envelope(at: self.now, event), partition: 0, lookup: self.store))
    }

    mutating func expire() throws {
        self.carryOut(try self.state.expire(now: self.now, lookup: self.store))
    }

    /// What is left when the process is killed: the store.
    mutating func restart() {
        var state = DispatcherState()
        state.settings = self.state.settings
        state.templates = self.state.templates
        for (_, session) in self.store.sessions.sorted(by: { $0.value.spec.createdAt < $1.value.spec.createdAt })
        where session.status.isActive { state.restore(session, partition: 0) }
        for id in self.store.order {
            if let execution = self.store.executions[id], !execution.status.isTerminal { state.restore(execution) }
        }
        for node in self.state.placement.nodes {
            state.placement.nodeReported(node.key, capacity: node.value.capacity)
        }
        self.state = state
    }

    mutating func carryOut(_ actions: [DispatcherAction]) {
        for action in actions {
            switch action {
            case .save(.session(let session), _): self.store.sessions[session.spec.id] = session
            case .save(.execution(let execution), _):
                let id = execution.spec.id
                if self.store.executions.updateValue(execution, forKey: id) == nil { self.store.order.append(id) }
                if execution.status.isTerminal { self.ends[id, default: []].append(execution.status) }
            case .forget(.session(let id), _): self.store.sessions[id] = nil
            case .forget(.execution(let id), _):
                self.store.executions[id] = nil
                self.store.order.removeAll { $0 == id }
            case .saveNode, .save, .forget: break
            case .send(_, let command): self.sent.append(command)
            case .decide(let decision, _): self.decisions.append(decision)
            }
        }
    }
}

extension DispatcherHarness {
    func spec(_ id: String, incarnation: String = "1") -> SessionSpec {
        SessionSpec(
            id: SessionID(id),
            incarnation: Incarnation(incarnation),
            templateID: TemplateID("t"),
            image: "i",
            runtime: .python311,
            resources: Resources(cpu: "1", memory: "1Gi", disk: "1Gi", cpuMillis: 1000, memoryBytes: 1, diskBytes: 1),
            createdAt: self.now
        )
    }

    func execution(_ id: String, _ session: String = "s", retries: Int = 0, incarnation: String = "1") -> ExecutionSpec
    {
        ExecutionSpec(
            id: ExecutionID(id),
            session: SessionID(session),
            incarnation: Incarnation(incarnation),
            code: "code of \(id)",
            language: .python,
            timeoutSeconds: 30,
            retries: retries,
            createdAt: self.now
        )
    }

    mutating func ready(_ session: String, incarnation: String = "1") throws {
        let reference = SessionReference(
            session: SessionID(session),
            incarnation: Incarnation(incarnation),
            container: ContainerID("c-\(session)-\(incarnation)")
        )
        try self.event(.sessionReady(reference, node: Self.node))
    }

    mutating func ended(
        _ id: String,
        _ status: ExecutionStatus = .completed,
        in session: String = "s",
        attempt: Int = 1
    ) throws {
        let reference = ExecutionReference(execution: ExecutionID(id), session: SessionID(session), attempt: attempt)
        let outcome = ExecutionOutcome(status: status, exitCode: 0)
        let ended = ExecutionEnded(reference: reference, outcome: outcome, startedAt: self.now, endedAt: self.now)
        try self.event(.executionEnded(ended))
    }

    mutating func lost(_ id: String, attempt: Int = 1, neverStarted: Bool = false) throws {
        let reference = ExecutionReference(execution: ExecutionID(id), session: SessionID("s"), attempt: attempt)
        try self.event(
            .executionLost(
                ExecutionLost(
                    reference: reference,
                    neverStarted: neverStarted,
                    problem: Problem("lost", "the worker restarted")
                )
            )
        )
    }

    mutating func report(_ sessions: [String], executions: [String] = [], capacity: Int = 10) throws {
        try self.event(
            .nodeReport(
                NodeReport(
                    node: Self.node,
                    boot: Incarnation("b"),
                    isFirst: false,
                    sessions: sessions.map { SessionReference(session: SessionID($0), incarnation: Incarnation("1")) },
                    executions: executions.map {
                        ExecutionReference(execution: ExecutionID($0), session: SessionID("s"), attempt: 1)
                    },
                    capacity: capacity
                )
            )
        )
    }

    func status(_ id: String) -> ExecutionStatus? { self.store.executions[ExecutionID(id)]?.status }
    func session(_ id: String) -> Session? { self.store.sessions[SessionID(id)] }

    /// Ids of the executions that were handed to the node, in order.
    var executed: [String] {
        self.sent.compactMap { if case .execute(let spec, _) = $0 { spec.id.rawValue } else { nil } }
    }
}
