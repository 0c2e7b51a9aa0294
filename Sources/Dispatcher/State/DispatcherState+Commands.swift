internal import Messages

extension DispatcherState {
    /// Does what a gateway asked for, or says why not.
    mutating func apply(
        _ record: Envelope<Command>,
        partition: Int,
        lookup: some DispatcherLookup
    ) throws -> [DispatcherAction] {
        var actions: [DispatcherAction] = []
        let now = record.at
        let problem: Problem?
        switch record.payload {
        case .createTemplate(let template): problem = self.create(template, partition, into: &actions)
        case .updateTemplate(let change): problem = self.update(change, partition, now: now, into: &actions)
        case .deleteTemplate(let id): problem = self.delete(id, partition, into: &actions)
        case .createSession(let spec):
            problem = try self.create(spec, partition, now: now, lookup: lookup, into: &actions)
        case .terminateSession(let id):
            problem = try self.terminate(id, partition, now: now, lookup: lookup, into: &actions)
        case .deleteSession(let id):
            problem = try self.delete(id, partition, now: now, lookup: lookup, into: &actions)
        case .submit(let spec):
            // Answered when it was appended: nobody waits for a decision.
            try self.submit(spec, partition, now: now, lookup: lookup, into: &actions)
            return actions
        case .cancel(let reference):
            problem = try self.cancel(reference, now: now, lookup: lookup, into: &actions)
        case .reconcile:
            // Decided when the nodes have reported.
            self.reconcile(record.id, partition, into: &actions)
            return actions
        case .drainNode(let node, let isDraining): problem = self.drain(node, isDraining, into: &actions)
        case .restate(let key, _):
            actions.append(try self.restated(key, partition, now: now, lookup: lookup))
            return actions
        }
        actions.append(.decide(Decision(command: record.id, problem: problem), partition: partition))
        return actions
    }

    /// What is known of a thing, once more: what was found behind it in the log was not ours.
    private func restated(
        _ key: StateKey,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup
    ) throws -> DispatcherAction {
        let record: StateRecord?
        switch key {
        case .template(let id): record = self.templates[id].map { .template($0) }
        case .session(let id): record = try lookup.session(id).map { .session($0) }
        case .execution(let id): record = try lookup.execution(id).map { .execution($0) }
        case .node(let id):
            record = self.placement.nodes[id].flatMap { node in
                node.heartbeat.map { .node(Node(heartbeat: $0, status: node.availability, updatedAt: now)) }
            }
        case .decision, .claim, .checkpoint: record = nil
        }
        return record.map { .save($0, partition: partition) } ?? .forget(key, partition: partition)
    }

    // MARK: Templates

    private mutating func create(_ template: Template, _ partition: Int, into actions: inout [DispatcherAction])
        -> Problem?
    {
        if self.templates[template.id] != nil {
            return Problem("template_exists", "a template with id '\(template.id)' exists")
        }
        if let problem = self.nameTaken(template.name, besides: template.id) { return problem }
        self.templates[template.id] = template
        actions.append(.save(.template(template), partition: partition))
        return nil
    }

    private mutating func update(
        _ change: TemplateChange,
        _ partition: Int,
        now: Timestamp,
        into actions: inout [DispatcherAction]
    ) -> Problem? {
        guard let template = self.templates[change.id] else { return Self.noTemplate(change.id) }
        if let name = change.name, let problem = self.nameTaken(name, besides: change.id) { return problem }
        let changed = change.applied(to: template, at: now)
        self.templates[change.id] = changed
        actions.append(.save(.template(changed), partition: partition))
        return nil
    }

    private mutating func delete(_ id: TemplateID, _ partition: Int, into actions: inout [DispatcherAction]) -> Problem?
    {
        guard self.templates.removeValue(forKey: id) != nil else { return Self.noTemplate(id) }
        actions.append(.forget(.template(id), partition: partition))
        return nil
    }

    private func nameTaken(_ name: String, besides id: TemplateID) -> Problem? {
        self.templates.values.contains { $0.name == name && $0.id != id }
            ? Problem("template_name_taken", "a template named '\(name)' exists") : nil
    }

    private static func noTemplate(_ id: TemplateID) -> Problem {
        Problem("template_not_found", "there is no template '\(id)'")
    }

    // MARK: Sessions

    private mutating func create(
        _ spec: SessionSpec,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws -> Problem? {
        let stored = try lookup.session(spec.id)
        if self.sessions[spec.id] != nil || stored != nil {
            return Problem("session_exists", "a session with id '\(spec.id)' exists")
        }
        var session = Session(spec: spec, version: 0, updatedAt: now, lastActivityAt: now)
        if !spec.dependencies.dependencies.isEmpty {
            session.dependencies = DependencyState(status: .installing, startedAt: now)
        }
        self.sessions[spec.id] = SessionSlot(session: session, machine: SessionStateMachine(), partition: partition)
        self.save(spec.id, now: now, into: &actions)
        if let problem = Self.dependencyProblem(spec), spec.dependencies.failsSession {
            if let action = self.sessions[spec.id]?.machine.end(.failed, problem) {
                try self.perform(action, on: spec.id, now: now, lookup: lookup, into: &actions)
            }
            return nil
        }
        self.unplaced.append(spec.id)
        self.placeWaiting(now: now, into: &actions)
        return nil
    }

    /// No node can install packages yet: a session that insists on them fails, and says so; any other goes without.
    static func dependencyProblem(_ spec: SessionSpec) -> Problem? {
        guard let first = spec.dependencies.dependencies.first else { return nil }
        let name = first.name + (first.version ?? "")
        return Problem(
            "dependencies_unavailable",
            "\(name) was not installed: this installation does not install packages"
        )
    }

    private mutating func terminate(
        _ id: SessionID,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws -> Problem? {
        if let action = self.sessions[id]?.machine.end(.terminated) {
            try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            return nil
        }
        guard var ended = try lookup.session(id) else { return Self.noSession(id) }
        // What had failed or timed out becomes `terminated` too: its files are gone already.
        if ended.status != .terminated {
            ended.status = .terminated
            ended.version += 1
            ended.updatedAt = now
            actions.append(.save(.session(ended), partition: partition))
        }
        return nil
    }

    private mutating func delete(
        _ id: SessionID,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws -> Problem? {
        if let action = self.sessions[id]?.machine.end(.terminated) {
            var ending: [DispatcherAction] = []
            try self.perform(action, on: id, now: now, lookup: lookup, into: &ending)
            // The records of what ends here are not worth a word: they are forgotten below.
            actions += ending.filter { if case .save(let record, _) = $0 { !record.concerns(id) } else { true } }
        } else if try lookup.session(id) == nil {
            return Self.noSession(id)
        }
        for execution in try lookup.executions(of: id) {
            actions.append(.forget(.execution(execution), partition: partition))
        }
        actions.append(.forget(.session(id), partition: partition))
        return nil
    }

    static func noSession(_ id: SessionID) -> Problem {
        Problem("session_not_found", "there is no session '\(id)'")
    }

    // MARK: Executions

    private mutating func submit(
        _ spec: ExecutionSpec,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard self.executions[spec.id] == nil else { return }
        if try lookup.execution(spec.id) != nil { return }
        guard let slot = self.sessions[spec.session], slot.session.spec.incarnation == spec.incarnation else {
            // It was accepted while the session lived: it gets its end, unless the session and all of it are deleted.
            guard let session = try lookup.session(spec.session), session.spec.incarnation == spec.incarnation else {
                actions.append(.forget(.execution(spec.id), partition: partition))
                return
            }
            let outcome = ExecutionOutcome(status: .cancelled, errorMessage: "the session was \(session.status.name)")
            let record = Execution(spec: spec, status: .cancelled, completedAt: now, outcome: outcome, version: 1)
            actions.append(.save(.execution(record), partition: partition))
            return
        }
        let waits = slot.running != nil || slot.queue.count > 0 || !slot.machine.takesExecutions
        self.executions[spec.id] = ExecutionSlot(
            machine: ExecutionStateMachine(retries: spec.retries),
            session: spec.session,
            spec: slot.queue.count < Self.specsKept ? spec : nil,
            version: 1,
            timeoutSeconds: spec.timeoutSeconds
        )
        self.sessions[spec.session]?.queue.append(spec.id)
        if waits { actions.append(.save(.execution(Execution(spec: spec, version: 1)), partition: partition)) }
        self.touch(spec.session, now: now, into: &actions)
        try self.advance(spec.session, now: now, lookup: lookup, into: &actions)
    }

    private mutating func cancel(
        _ reference: ExecutionReference,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws -> Problem? {
        let id = reference.execution
        if let action = self.executions[id]?.machine.cancel() {
            try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            return nil
        }
        return try lookup.execution(id) == nil
            ? Problem("execution_not_found", "there is no execution '\(id)'") : nil
    }
}

extension StateRecord {
    /// Whether the record belongs to the session.
    fileprivate func concerns(_ id: SessionID) -> Bool {
        switch self {
        case .session(let session): session.spec.id == id
        case .execution(let execution): execution.spec.session == id
        case .template, .decision, .node, .claim, .checkpoint: false
        }
    }
}
