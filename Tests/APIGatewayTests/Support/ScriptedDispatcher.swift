import MessageBus
import Messages
import ServiceKit

/// Decides on commands as the dispatcher would, in memory; what code does is scripted by its text.
///
/// - `hold`: the execution runs until ``finish(_:_:)``.
/// - `stay`: it stays pending.
/// - anything else: it completes at once and returns its event.
final class ScriptedDispatcher: Sendable {
    private struct State: Sendable {
        var templates: [TemplateID: Template] = [:]
        var sessions: [SessionID: Session] = [:]
        var executions: [ExecutionID: Execution] = [:]
        var isSilent = false
        /// Sessions stay `creating` until ``makeReady(_:)``.
        var holdsSessions = false
    }

    let bus: any MessageBus
    private let state = Locked(State())

    init(bus: any MessageBus) {
        self.bus = bus
    }

    /// Decides on nothing any more, and loses what comes.
    func fallSilent() { self.state.withLock { $0.isSilent = true } }
    func holdSessions() { self.state.withLock { $0.holdsSessions = true } }

    func run() async throws {
        let subscription = try await self.bus.subscribe(to: Topics.commands, group: "dispatcher")
        while true {
            let deliveries = try await subscription.next(upTo: 100)
            if deliveries.isEmpty { return }
            for delivery in deliveries {
                guard let body = delivery.body, !self.state.withLock({ $0.isSilent }) else { continue }
                let record = try Envelope<Messages.Command>(decoding: body)
                let (records, decision) = self.state.withLock { self.decide(record, &$0) }
                try await self.publish(records, decision, partition: delivery.partition)
            }
            try await subscription.acknowledge(deliveries)
        }
    }

    /// Publishes records of one partition, as the outcome of no command.
    func publish(
        _ records: [(StateKey, StateRecord?)],
        _ decision: Decision? = nil,
        partition: Int
    ) async throws {
        var messages = records.map { key, record in
            OutgoingMessage(
                topic: Topics.state,
                key: key.text,
                partition: partition,
                body: record.map { Envelope(at: .now(), $0).encoded() }
            )
        }
        if let decision {
            let key = StateKey.decision(decision.command).text
            let body = Envelope(at: .now(), StateRecord.decision(decision)).encoded()
            messages.append(OutgoingMessage(topic: Topics.state, key: key, partition: partition, body: body))
            messages.append(OutgoingMessage(topic: Topics.state, key: key, partition: partition, body: nil))
        }
        if !messages.isEmpty { try await self.bus.publish(messages) }
    }

    /// Ends a held execution.
    func finish(_ id: ExecutionID, _ outcome: ExecutionOutcome) async throws {
        guard let record = self.state.withLock({ Self.end(id, outcome, &$0) }) else { return }
        try await self.publish([record], partition: self.partition(of: record))
    }

    /// Makes a held session run.
    func makeReady(_ id: SessionID) async throws {
        let session: Session? = self.state.withLock { state in
            guard var session = state.sessions[id] else { return nil }
            Self.start(&session)
            state.sessions[id] = session
            return session
        }
        guard let session else { return }
        try await self.publish([(.session(id), .session(session))], partition: self.partition(of: id))
    }

    func session(_ id: SessionID) -> Session? { self.state.withLock { $0.sessions[id] } }

    private func partition(of id: SessionID) -> Int { Partitioner.partition(of: id.rawValue, count: Self.partitions) }

    private func partition(of record: (StateKey, StateRecord?)) -> Int {
        if case .execution(let execution) = record.1 { return self.partition(of: execution.spec.session) }
        return 0
    }

    static let partitions = 4

    // MARK: Deciding

    private func decide(
        _ record: Envelope<Messages.Command>,
        _ state: inout State
    ) -> (records: [(StateKey, StateRecord?)], decision: Decision?) {
        var records: [(StateKey, StateRecord?)] = []
        var problem: Problem?
        switch record.payload {
        case .createTemplate(let template):
            if state.templates[template.id] != nil {
                problem = Problem("template_exists", "it exists")
            } else if Self.isTaken(template.name, template.id, state) {
                problem = Problem("template_name_taken", "the name is taken")
            } else {
                state.templates[template.id] = template
                records.append((.template(template.id), .template(template)))
            }
        case .updateTemplate(let change):
            if let template = state.templates[change.id] {
                if let name = change.name, Self.isTaken(name, change.id, state) {
                    problem = Problem("template_name_taken", "the name is taken")
                } else {
                    let changed = change.applied(to: template, at: record.at)
                    state.templates[change.id] = changed
                    records.append((.template(change.id), .template(changed)))
                }
            } else {
                problem = Problem("template_not_found", "there is none")
            }
        case .deleteTemplate(let id):
            if state.templates.removeValue(forKey: id) == nil {
                problem = Problem("template_not_found", "there is none")
            } else {
                records.append((.template(id), nil))
            }
        case .createSession(let spec): problem = Self.create(spec, record.at, &state, &records)
        case .terminateSession(let id): problem = Self.terminate(id, record.at, &state, &records)
        case .deleteSession(let id):
            if state.sessions.removeValue(forKey: id) == nil {
                problem = Problem("session_not_found", "there is none")
            } else {
                for execution in state.executions.values where execution.spec.session == id {
                    state.executions[execution.spec.id] = nil
                    records.append((.execution(execution.spec.id), nil))
                }
                records.append((.session(id), nil))
            }
        case .submit(let spec):
            Self.submit(spec, record.at, &state, &records)
            return (records, nil)
        case .cancel(let reference):
            if state.executions[reference.execution] == nil {
                problem = Problem("execution_not_found", "there is none")
            } else if let ended = Self.end(reference.execution, ExecutionOutcome(status: .cancelled), &state) {
                records.append(ended)
            }
        case .reconcile: return ([], Decision(command: record.id, findings: ["sessions": 2]))
        case .drainNode(let node, _):
            if node != NodeID("local") { problem = Problem("node_not_found", "there is none") }
        case .restate: return ([], nil)
        }
        return (records, Decision(command: record.id, problem: problem))
    }

    private static func isTaken(_ name: String, _ id: TemplateID, _ state: State) -> Bool {
        state.templates.values.contains { $0.name == name && $0.id != id }
    }

    private static func start(_ session: inout Session) {
        session.status = .running
        session.node = NodeID("local")
        session.container = ContainerID("sbx-\(session.spec.id)")
        session.version += 1
    }

    private static func create(
        _ spec: SessionSpec,
        _ now: Timestamp,
        _ state: inout State,
        _ records: inout [(StateKey, StateRecord?)]
    ) -> Problem? {
        if state.sessions[spec.id] != nil { return Problem("session_exists", "it exists") }
        if spec.id == SessionID("no-room") { return Problem("no_capacity", "every node is full") }
        var session = Session(spec: spec, updatedAt: now, lastActivityAt: now)
        if !spec.dependencies.dependencies.isEmpty {
            session.dependencies = DependencyState(status: .installing, startedAt: now)
        }
        records.append((.session(spec.id), .session(session)))
        if !state.holdsSessions {
            start(&session)
            records.append((.session(spec.id), .session(session)))
        }
        state.sessions[spec.id] = session
        return nil
    }

    private static func terminate(
        _ id: SessionID,
        _ now: Timestamp,
        _ state: inout State,
        _ records: inout [(StateKey, StateRecord?)]
    ) -> Problem? {
        guard var session = state.sessions[id] else { return Problem("session_not_found", "there is none") }
        if session.status.isActive {
            session.status = .terminated
            session.completedAt = now
            session.version += 1
            state.sessions[id] = session
            records.append((.session(id), .session(session)))
        }
        return nil
    }

    private static func submit(
        _ spec: ExecutionSpec,
        _ now: Timestamp,
        _ state: inout State,
        _ records: inout [(StateKey, StateRecord?)]
    ) {
        var execution = Execution(spec: spec, version: 1)
        records.append((.execution(spec.id), .execution(execution)))
        if spec.code != "stay" {
            execution.status = .running
            execution.attempt = 1
            execution.startedAt = now
            execution.version = 2
            records.append((.execution(spec.id), .execution(execution)))
        }
        state.executions[spec.id] = execution
        if spec.code != "stay", spec.code != "hold" {
            let outcome = ExecutionOutcome(
                status: .completed,
                exitCode: 0,
                stdout: Array("out\n".utf8),
                returnValue: spec.event,
                metrics: ExecutionMetrics(wallMicros: 1500)
            )
            if let ended = self.end(spec.id, outcome, &state) { records.append(ended) }
        }
    }

    private static func end(
        _ id: ExecutionID,
        _ outcome: ExecutionOutcome,
        _ state: inout State
    ) -> (StateKey, StateRecord?)? {
        guard var execution = state.executions[id], !execution.status.isTerminal else { return nil }
        execution.status = outcome.status
        execution.outcome = outcome
        execution.completedAt = .now()
        execution.version += 1
        state.executions[id] = execution
        return (.execution(id), .execution(execution))
    }
}
