internal import Messages

extension DispatcherState {
    /// Takes in what a node reports. What speaks for an earlier incarnation or attempt changes nothing.
    mutating func apply(
        _ record: Envelope<Event>,
        partition: Int,
        lookup: some DispatcherLookup
    ) throws -> [DispatcherAction] {
        var actions: [DispatcherAction] = []
        let now = record.at
        switch record.payload {
        case .sessionReady(let reference, let node):
            try self.sessionReady(reference, node, now: now, lookup: lookup, into: &actions)
        case .sessionFailed(let reference, let problem) where problem.code == Self.noCapacity:
            if self.isCurrent(reference), let node = self.sessions[reference.session]?.machine.node {
                self.placementRefused(reference.session, by: node, now: now, into: &actions)
            }
        case .sessionFailed(let reference, let problem), .containerExited(let reference, let problem):
            if self.isCurrent(reference), let action = self.sessions[reference.session]?.machine.sandboxFailed(problem)
            {
                try self.perform(action, on: reference.session, now: now, lookup: lookup, into: &actions)
            }
        case .executionEnded(let ended):
            let id = ended.reference.execution
            self.touch(ended.reference.session, now: now, into: &actions)
            if let action = self.executions[id]?.machine.reported(ended.outcome, attempt: ended.reference.attempt) {
                try self.perform(
                    action,
                    on: id,
                    startedAt: ended.startedAt,
                    now: max(ended.endedAt, ended.startedAt),
                    lookup: lookup,
                    into: &actions
                )
            }
        case .executionLost(let lost):
            let id = lost.reference.execution
            let action = self.executions[id]?.machine.lost(
                attempt: lost.reference.attempt,
                neverStarted: lost.neverStarted,
                problem: lost.problem
            )
            // A node that does not have the session any more gets nothing further for it before it has said so.
            if lost.neverStarted, action == .requeue {
                let again = self.sessions[lost.reference.session]?.machine.missingOnNode() ?? .none
                try self.perform(again, on: lost.reference.session, now: now, lookup: lookup, into: &actions)
            }
            if let action {
                try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            }
        case .executionHeartbeat(let reference): self.touch(reference.session, now: now, into: &actions)
        case .nodeReport(let report):
            try self.nodeReported(report, partition, now: now, lookup: lookup, into: &actions)
        case .nodeHeartbeat(let heartbeat): self.heard(heartbeat, partition, now: now, into: &actions)
        }
        return actions
    }

    /// The problem of a node that has no room for one more session.
    private static let noCapacity = "no_capacity"

    private func isCurrent(_ reference: SessionReference) -> Bool {
        self.sessions[reference.session]?.session.spec.incarnation == reference.incarnation
    }

    private mutating func sessionReady(
        _ reference: SessionReference,
        _ node: NodeID,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        guard self.isCurrent(reference) else {
            // Ended while its sandbox started.
            actions.append(.send(node, .endSession(reference)))
            return
        }
        let wasUnplaced = self.sessions[reference.session]?.machine.node == nil
        guard let container = reference.container,
            let action = self.sessions[reference.session]?.machine.sandboxReady(on: node, container: container)
        else { return }
        // An executor outside of our nodes may be the first to have a sandbox for it.
        if wasUnplaced {
            self.unplaced.removeAll { $0 == reference.session }
            self.placement.sessionAdded(to: node)
        }
        try self.perform(action, on: reference.session, now: now, lookup: lookup, into: &actions)
    }
}
