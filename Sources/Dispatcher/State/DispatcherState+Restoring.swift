internal import MessageBus
internal import Messages

extension DispatcherState {
    /// Takes in a session that was stored and is not over.
    mutating func restore(_ session: Session, partition: Int) {
        let id = session.spec.id
        let machine = SessionStateMachine(restoring: session)
        self.sessions[id] = SessionSlot(session: session, machine: machine, partition: partition)
        if let node = machine.node {
            self.placement.sessionAdded(to: node)
        } else {
            self.unplaced.append(id)
        }
    }

    /// Takes in an execution that was stored and is not over, after its session, in order of acceptance.
    mutating func restore(_ execution: Execution) {
        let (id, session) = (execution.spec.id, execution.spec.session)
        guard let slot = self.sessions[session] else { return }
        let machine = ExecutionStateMachine(restoring: execution, node: slot.machine.node)
        self.executions[id] = ExecutionSlot(
            machine: machine,
            session: session,
            spec: nil,
            version: execution.version,
            timeoutSeconds: execution.spec.timeoutSeconds
        )
        if machine.state == .queued {
            // What was handed out before goes first.
            if machine.attempt > 0 {
                self.sessions[session]?.queue.putBack(id)
            } else {
                self.sessions[session]?.queue.append(id)
            }
        } else {
            self.sessions[session]?.running = id
        }
    }

    /// Forgets everything of a partition that is somebody else's from now on.
    mutating func forget(partition: Int) {
        for (id, slot) in self.sessions where slot.partition == partition {
            if let node = slot.machine.node { self.placement.sessionRemoved(from: node) }
            self.sessions[id] = nil
            for execution in slot.queue.all { self.executions[execution] = nil }
            if let running = slot.running { self.executions[running] = nil }
        }
        self.unplaced.removeAll { self.sessions[$0] == nil }
        self.reconciliations[partition] = nil
        self.owned?.remove(partition)
        if Partitioner.partition(of: Topics.templatesKey, count: self.partitions) == partition { self.templates = [:] }
    }

    /// What a new owner of a partition says to the nodes once more: its predecessor may have died before it could. A node
    /// that knows it already ignores it.
    func repeated(partition: Int, lookup: some DispatcherLookup) throws -> [DispatcherAction] {
        var actions: [DispatcherAction] = []
        for (_, slot) in self.sessions.sorted(by: { $0.key < $1.key }) where slot.partition == partition {
            let spec = slot.session.spec
            switch slot.machine.state {
            case .starting(let node): actions.append(.send(node, .ensureSession(spec, container: nil)))
            case .restarting(let node, let container):
                actions.append(.send(node, .ensureSession(spec, container: container)))
            case .unplaced, .ready, .ended: break
            }
            guard let running = slot.running, let execution = self.executions[running],
                case .running(let node) = execution.machine.state,
                let spec = try execution.spec ?? lookup.execution(running)?.spec
            else { continue }
            actions.append(.send(node, .execute(spec, attempt: execution.machine.attempt)))
            if execution.machine.isCancelled {
                let reference = ExecutionReference(
                    execution: running,
                    session: slot.session.spec.id,
                    attempt: execution.machine.attempt
                )
                actions.append(.send(node, .cancel(reference)))
            }
        }
        return actions
    }
}
