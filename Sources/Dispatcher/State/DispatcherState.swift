internal import Messages

/// Everything that is not over, of the partitions this dispatcher owns, and what each record does to it.
///
/// A value without clock, lock or I/O: `now` is the time written in the record, so that the same records always lead to the
/// same state. What is over is read back by a ``DispatcherLookup`` when a record names it.
struct DispatcherState: Sendable, Equatable {
    struct SessionSlot: Sendable, Equatable {
        var session: Session
        var machine: SessionStateMachine
        let partition: Int
        var queue = ExecutionQueue()
        var running: ExecutionID?
    }

    struct ExecutionSlot: Sendable, Equatable {
        var machine: ExecutionStateMachine
        let session: SessionID
        /// Dropped while many wait, and read back when its turn comes: a long queue of large programs fits in memory.
        var spec: ExecutionSpec?
        var version: Int
        let timeoutSeconds: Int

        /// The record as the machine now has it.
        func record(_ spec: ExecutionSpec, _ status: ExecutionStatus) -> Execution {
            Execution(
                spec: spec,
                status: status,
                attempt: self.machine.attempt,
                startedAt: self.machine.startedAt,
                version: self.version,
                retriesUsed: self.machine.retriesUsed,
                isCancelRequested: self.machine.isCancelled
            )
        }
    }

    /// Executions per session that keep their code in memory.
    static let specsKept = 32

    var settings = DispatcherSettings()
    /// Of the commands, events and state topics.
    var partitions = 1
    /// The partitions that are this dispatcher's; `nil` for all.
    var owned: Set<Int>?
    /// When the record at hand came, by our own clock: the silence of a node is measured by it. `nil` where nodes are not
    /// given up.
    var receivedAt: Timestamp?
    var templates: [TemplateID: Template] = [:]
    var sessions: [SessionID: SessionSlot] = [:]
    var executions: [ExecutionID: ExecutionSlot] = [:]
    var placement = Placement()
    /// In order of acceptance.
    var unplaced: [SessionID] = []
    /// Reconciliations that wait for a report of every node, by partition.
    var reconciliations: [Int: Reconciliation] = [:]

    struct Reconciliation: Sendable, Equatable {
        var commands: [CommandID]
        var awaited: Set<NodeID>
        var findings: [String: Int] = [:]
    }

    // MARK: Effects shared by commands and events

    /// Stores the session's record as the machine now has it.
    mutating func save(_ id: SessionID, now: Timestamp, into actions: inout [DispatcherAction]) {
        guard var slot = self.sessions[id] else { return }
        slot.session.node = slot.machine.node ?? slot.session.node
        slot.session.container = slot.machine.container ?? slot.session.container
        slot.session.isRestarting = slot.machine.isRestarting
        slot.session.version += 1
        slot.session.updatedAt = now
        self.sessions[id] = slot
        actions.append(.save(.session(slot.session), partition: slot.partition))
    }

    mutating func perform(
        _ action: SessionStateMachine.Action,
        on id: SessionID,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard let slot = self.sessions[id] else { return }
        switch action {
        case .none: break
        case .ensure(let node, let container):
            if slot.machine.isRestarting != slot.session.isRestarting { self.save(id, now: now, into: &actions) }
            actions.append(.send(node, .ensureSession(slot.session.spec, container: container)))
        case .opened:
            self.sessions[id]?.session.status = .running
            if slot.session.dependencies.status == .installing, let problem = Self.dependencyProblem(slot.session.spec)
            {
                self.sessions[id]?.session.dependencies.status = .failed
                self.sessions[id]?.session.dependencies.errorMessage = problem.message
                self.sessions[id]?.session.dependencies.completedAt = now
            }
            self.save(id, now: now, into: &actions)
            try self.advance(id, now: now, lookup: lookup, into: &actions)
        case .close(let status, let problem, let node):
            try self.close(id, status, problem, node: node, now: now, lookup: lookup, into: &actions)
        }
    }

    private mutating func close(
        _ id: SessionID,
        _ status: SessionStatus,
        _ problem: Problem?,
        node: NodeID?,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard var slot = self.sessions[id] else { return }
        if let node {
            let spec = slot.session.spec
            let reference = SessionReference(
                session: id,
                incarnation: spec.incarnation,
                container: slot.session.container
            )
            actions.append(.send(node, .endSession(reference)))
            self.placement.sessionRemoved(from: node)
        }
        let reason = problem?.message ?? "the session was \(status.name)"
        let waiting = slot.queue.takeAll()
        let ended = (slot.running.map { [$0] } ?? []) + waiting
        slot.running = nil
        slot.session.status = status
        slot.session.problem = problem
        slot.session.completedAt = now
        if slot.session.dependencies.status == .installing {
            slot.session.dependencies.status = .failed
            slot.session.dependencies.errorMessage = reason
            slot.session.dependencies.completedAt = now
        }
        self.sessions[id] = slot
        self.save(id, now: now, into: &actions)
        for execution in ended {
            guard case .finish(let outcome) = self.executions[execution]?.machine.sessionEnded(reason) else { continue }
            try self.finish(execution, outcome, startedAt: nil, now: now, lookup: lookup, into: &actions)
        }
        self.sessions[id] = nil
        if node == nil {
            self.unplaced.removeAll { $0 == id }
        } else {
            self.placeWaiting(now: now, into: &actions)
        }
    }

    /// Gives sessions that found no node another chance, first come first served.
    mutating func placeWaiting(now: Timestamp, into actions: inout [DispatcherAction]) {
        var placed = 0
        for id in self.unplaced {
            guard let image = self.sessions[id]?.session.spec.image else {
                placed += 1
                continue
            }
            guard let node = self.placement.choose(image: image) else { break }
            placed += 1
            self.place(id, on: node, now: now, into: &actions)
        }
        self.unplaced.removeFirst(placed)
    }

    private mutating func place(
        _ id: SessionID,
        on node: NodeID,
        now: Timestamp,
        into actions: inout [DispatcherAction]
    ) {
        guard case .ensure(let node, let container) = self.sessions[id]?.machine.place(on: node),
            let spec = self.sessions[id]?.session.spec
        else { return }
        self.placement.sessionPlaced(on: node, image: spec.image)
        self.save(id, now: now, into: &actions)
        actions.append(.send(node, .ensureSession(spec, container: container)))
    }

    /// Hands the session's next execution to its node, if it is the turn of one.
    mutating func advance(
        _ id: SessionID,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard let slot = self.sessions[id], slot.running == nil, slot.machine.takesExecutions,
            let node = slot.machine.node
        else { return }
        while let next = self.sessions[id]?.queue.take() {
            guard var execution = self.executions[next], execution.machine.state == .queued else { continue }
            guard let spec = try execution.spec ?? lookup.execution(next)?.spec else { continue }
            execution.machine.start(on: node, now: now)
            execution.spec = spec
            execution.version += 1
            self.executions[next] = execution
            self.sessions[id]?.running = next
            actions.append(.save(.execution(execution.record(spec, .running)), partition: slot.partition))
            actions.append(.send(node, .execute(spec, attempt: execution.machine.attempt)))
            return
        }
    }

    mutating func perform(
        _ action: ExecutionStateMachine.Action,
        on id: ExecutionID,
        startedAt: Timestamp? = nil,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard let slot = self.executions[id] else { return }
        switch action {
        case .none: break
        case .stopOnNode(let node):
            self.executions[id]?.version += 1
            if let slot = self.executions[id], let partition = self.sessions[slot.session]?.partition,
                let spec = try slot.spec ?? lookup.execution(id)?.spec
            {
                actions.append(.save(.execution(slot.record(spec, .running)), partition: partition))
            }
            let reference = ExecutionReference(execution: id, session: slot.session, attempt: slot.machine.attempt)
            actions.append(.send(node, .cancel(reference)))
        case .requeue:
            self.sessions[slot.session]?.running = nil
            self.sessions[slot.session]?.queue.putBack(id)
            self.executions[id]?.version += 1
            if let slot = self.executions[id], let partition = self.sessions[slot.session]?.partition,
                let spec = try slot.spec ?? lookup.execution(id)?.spec
            {
                actions.append(.save(.execution(slot.record(spec, .pending)), partition: partition))
            }
            try self.advance(slot.session, now: now, lookup: lookup, into: &actions)
        case .finish(let outcome):
            try self.finish(id, outcome, startedAt: startedAt, now: now, lookup: lookup, into: &actions)
            try self.advance(slot.session, now: now, lookup: lookup, into: &actions)
        }
    }

    /// Ends an execution whose node is gone.
    mutating func crash(
        _ id: ExecutionID,
        _ problem: Problem,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard case .finish(let outcome) = self.executions[id]?.machine.nodeLost(problem) else { return }
        try self.finish(id, outcome, startedAt: nil, now: now, lookup: lookup, into: &actions)
    }

    /// Records the end of an execution, once: its slot is gone afterwards.
    private mutating func finish(
        _ id: ExecutionID,
        _ outcome: ExecutionOutcome,
        startedAt: Timestamp?,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard let slot = self.executions[id], let session = self.sessions[slot.session] else { return }
        self.executions[id] = nil
        if session.running == id { self.sessions[slot.session]?.running = nil }
        guard let spec = try slot.spec ?? lookup.execution(id)?.spec else { return }
        var record = slot.record(spec, outcome.status)
        record.version += 1
        record.startedAt = startedAt ?? record.startedAt
        record.completedAt = now
        record.outcome = outcome
        actions.append(.save(.execution(record), partition: session.partition))
    }

    /// Notes that the session is used; its record says so to the second.
    mutating func touch(_ id: SessionID, now: Timestamp, into actions: inout [DispatcherAction]) {
        guard let slot = self.sessions[id], now - slot.session.lastActivityAt >= .seconds(1) else { return }
        self.sessions[id]?.session.lastActivityAt = now
        self.save(id, now: now, into: &actions)
    }
}
