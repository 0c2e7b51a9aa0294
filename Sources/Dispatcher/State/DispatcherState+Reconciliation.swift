internal import Messages

extension DispatcherState {
    /// Asks every node what it has; the answer to `command` waits for their reports.
    mutating func reconcile(_ command: CommandID, _ partition: Int, into actions: inout [DispatcherAction]) {
        // A node that is gone does not answer.
        let present = self.placement.nodes.filter { [.ready, .draining].contains($0.value.availability) }
        let nodes = Set(present.keys)
        if nodes.isEmpty {
            actions.append(.decide(Decision(command: command, findings: ["nodes": 0]), partition: partition))
            return
        }
        var reconciliation = self.reconciliations[partition] ?? Reconciliation(commands: [], awaited: [])
        reconciliation.commands.append(command)
        reconciliation.awaited.formUnion(nodes)
        self.reconciliations[partition] = reconciliation
        for node in nodes.sorted() { actions.append(.send(node, .report)) }
    }

    /// Compares what should run on the node with what does, for the sessions of one partition.
    mutating func nodeReported(
        _ report: NodeReport,
        _ partition: Int,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        if self.placement.nodes[report.node]?.capacity != report.capacity {
            self.placement.nodeReported(report.node, capacity: report.capacity)
            actions.append(.saveNode(report.node, capacity: report.capacity))
        }
        var findings = [
            // Each node answers for every partition, and counts once.
            "nodes": self.isHome(partition, of: report.node) ? 1 : 0, "sessions": 0, "sandboxes_requested": 0,
            "orphans_ended": 0, "executions_resolved": 0,
        ]
        let present = Set(report.sessions.map { Present(session: $0.session, incarnation: $0.incarnation) })
        for (id, slot) in self.sessions where slot.partition == partition && slot.machine.node == report.node {
            findings["sessions", default: 0] += 1
            let isPresent = present.contains(Present(session: id, incarnation: slot.session.spec.incarnation))
            if !isPresent, let action = self.sessions[id]?.machine.missingOnNode() {
                findings["sandboxes_requested", default: 0] += 1
                try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            }
            // Its `execute` may still be on its way: `resolve` comes after it, so the node's answer is certain.
            if let running = slot.running, !report.executions.contains(where: { $0.execution == running }),
                let attempt = self.executions[running]?.machine.attempt
            {
                findings["executions_resolved", default: 0] += 1
                let reference = ExecutionReference(execution: running, session: id, attempt: attempt)
                actions.append(.send(report.node, .resolve(reference)))
            }
        }
        for reference in report.sessions
        where self.sessions[reference.session]?.session.spec.incarnation != reference.incarnation {
            findings["orphans_ended", default: 0] += 1
            actions.append(.send(report.node, .endSession(reference)))
        }
        self.answerReconciliation(of: partition, report.node, findings, into: &actions)
        // Last: what is on its way to the node only now cannot be missing there.
        self.placeWaiting(now: now, into: &actions)
    }

    private struct Present: Hashable {
        var session: SessionID
        var incarnation: Incarnation
    }

    private mutating func answerReconciliation(
        of partition: Int,
        _ node: NodeID,
        _ findings: [String: Int],
        into actions: inout [DispatcherAction]
    ) {
        // Each node counts once: others may have asked it too.
        guard var reconciliation = self.reconciliations[partition], reconciliation.awaited.remove(node) != nil else {
            return
        }
        reconciliation.findings.merge(findings, uniquingKeysWith: +)
        self.reconciliations[partition] = reconciliation.awaited.isEmpty ? nil : reconciliation
        guard reconciliation.awaited.isEmpty else { return }
        for command in reconciliation.commands {
            actions.append(.decide(Decision(command: command, findings: reconciliation.findings), partition: partition))
        }
    }

    /// Ends what is overdue at `now`, and asks nodes for executions that should have been reported.
    ///
    /// - Parameter silentSince: Nodes that were not heard of since are given up; `nil` for none.
    mutating func expire(
        now: Timestamp,
        silentSince: Timestamp? = nil,
        lookup: some DispatcherLookup
    ) throws -> [DispatcherAction] {
        var actions: [DispatcherAction] = []
        for node in silentSince.map({ self.placement.silent(since: $0, restartGrace: self.settings.nodeRestartGrace) })
            ?? []
        {
            try self.nodeLost(node, now: now, lookup: lookup, into: &actions)
        }
        for (id, slot) in self.sessions {
            guard let (status, problem) = self.overdue(slot, now: now) else { continue }
            if let action = self.sessions[id]?.machine.end(status, problem) {
                try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            }
        }
        for (id, slot) in self.executions {
            guard case .running(let node) = slot.machine.state, let since = slot.machine.startedAt,
                now > since + .seconds(slot.timeoutSeconds) + self.settings.reportGrace
            else { continue }
            let reference = ExecutionReference(execution: id, session: slot.session, attempt: slot.machine.attempt)
            actions.append(.send(node, .resolve(reference)))
        }
        return actions
    }

    private func overdue(_ slot: SessionSlot, now: Timestamp) -> (SessionStatus, Problem)? {
        let created = slot.session.spec.createdAt
        if let limit = self.settings.creatingTimeout, slot.session.status == .creating, now > created + limit {
            return (.failed, Problem("creating_timeout", "no sandbox was ready within \(limit.components.seconds) s"))
        }
        if let limit = self.settings.maxLifetime, now > created + limit {
            return (
                .timeout,
                Problem("session_expired", "the session reached its lifetime of \(limit.components.seconds) s")
            )
        }
        if let limit = self.settings.idleThreshold, slot.running == nil, slot.queue.count == 0,
            slot.session.status == .running, now > slot.session.lastActivityAt + limit
        {
            return (.timeout, Problem("session_idle", "nothing ran in the session for \(limit.components.seconds) s"))
        }
        return nil
    }
}
