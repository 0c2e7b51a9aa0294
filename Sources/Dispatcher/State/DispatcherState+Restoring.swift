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
            self.sessions[session]?.queue.append(id)
        } else {
            self.sessions[session]?.running = id
        }
    }
}
