internal import MessageBus
internal import Messages

extension DispatcherState {
    /// Whether the partition is the one that speaks for the node: each is described in one place only.
    func isHome(_ partition: Int, of node: NodeID) -> Bool {
        Partitioner.partition(of: node.rawValue, count: self.partitions) == partition
    }

    /// Takes in a node that was stored.
    mutating func restore(_ node: Node, now: Timestamp) {
        self.placement.heard(node.heartbeat, at: now)
        if node.status == .lost { self.placement.lost(node.heartbeat.node) }
    }

    /// Takes in that a node is alive, and what it offers.
    mutating func heard(
        _ heartbeat: NodeHeartbeat,
        _ partition: Int,
        now: Timestamp,
        into actions: inout [DispatcherAction]
    ) {
        let known = self.placement.nodes[heartbeat.node]
        self.placement.heard(heartbeat, at: self.receivedAt ?? now)
        if known?.capacity != heartbeat.capacity {
            actions.append(.saveNode(heartbeat.node, capacity: heartbeat.capacity))
        }
        // A node that was lost, or has started anew, may have what is no longer wanted there, or lack what is.
        if known?.availability == .lost || (known?.heartbeat).map({ $0.boot != heartbeat.boot }) ?? false {
            actions.append(.send(heartbeat.node, .report))
        }
        let availability = self.placement.nodes[heartbeat.node]?.availability ?? .ready
        // The same comes in every partition that is ours; the one that speaks for the node may not be the first.
        if self.isHome(partition, of: heartbeat.node),
            known?.told?.heartbeat != heartbeat || known?.told?.availability != availability
        {
            self.save(heartbeat.node, partition, now: now, into: &actions)
        }
        if availability == .ready { self.placeWaiting(now: now, into: &actions) }
    }

    /// Gives up what is on a node that was silent for too long: sessions that had yet to start go elsewhere, the others
    /// have lost their files.
    mutating func nodeLost(
        _ node: NodeID,
        now: Timestamp,
        lookup: some DispatcherLookup,
        into actions: inout [DispatcherAction]
    ) throws {
        self.placement.lost(node)
        let problem = Problem("node_lost", "the worker node \(node) does not answer any more")
        for (id, slot) in self.sessions where slot.machine.node == node {
            if self.sessions[id]?.machine.placementFailed() == true {
                self.unplace(id, from: node, now: now, into: &actions)
                continue
            }
            if let running = slot.running {
                try self.crash(running, problem, now: now, lookup: lookup, into: &actions)
            }
            if let action = self.sessions[id]?.machine.end(.failed, problem) {
                try self.perform(action, on: id, now: now, lookup: lookup, into: &actions)
            }
        }
        let home = Partitioner.partition(of: node.rawValue, count: self.partitions)
        if self.owned?.contains(home) ?? true { self.save(node, home, now: now, into: &actions) }
        self.placeWaiting(now: now, into: &actions)
    }

    /// The session could not be had on the node it was placed on: another one is looked for.
    mutating func placementRefused(
        _ id: SessionID,
        by node: NodeID,
        now: Timestamp,
        into actions: inout [DispatcherAction]
    ) {
        guard self.sessions[id]?.machine.node == node, self.sessions[id]?.machine.placementFailed() == true else {
            return
        }
        self.placement.refused(by: node)
        self.unplace(id, from: node, now: now, into: &actions)
        self.placeWaiting(now: now, into: &actions)
    }

    private mutating func unplace(
        _ id: SessionID,
        from node: NodeID,
        now: Timestamp,
        into actions: inout [DispatcherAction]
    ) {
        self.placement.sessionRemoved(from: node)
        self.sessions[id]?.session.node = nil
        self.unplaced.insert(id, at: 0)
        self.save(id, now: now, into: &actions)
    }

    /// An operator wants the node empty, or in use again: it is for the node to remember, and to say so to everyone.
    mutating func drain(_ node: NodeID, _ isDraining: Bool, into actions: inout [DispatcherAction]) -> Problem? {
        guard self.placement.nodes[node] != nil else {
            return Problem("node_not_found", "there is no worker node '\(node)'")
        }
        actions.append(.send(node, .drain(isDraining)))
        return nil
    }

    private mutating func save(_ node: NodeID, _ partition: Int, now: Timestamp, into actions: inout [DispatcherAction])
    {
        guard let known = self.placement.nodes[node], let heartbeat = known.heartbeat else { return }
        let record = Node(heartbeat: heartbeat, status: known.availability, updatedAt: now)
        self.placement.told(heartbeat, known.availability, of: node)
        actions.append(.save(.node(record), partition: partition))
    }
}
