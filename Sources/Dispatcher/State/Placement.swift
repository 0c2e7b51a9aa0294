internal import Messages

/// Chooses the node for a session.
struct Placement: Sendable, Equatable {
    struct Node: Sendable, Equatable {
        /// Sandboxes it can hold.
        var capacity: Int
        /// Sessions of our partitions that are on it or on their way to it.
        var sessions: Int
        /// What it last said of itself; `nil` if it never did.
        var heartbeat: NodeHeartbeat?
        var availability = NodeAvailability.ready
        /// Sessions that were sent there after the heartbeat, which does not count them.
        var placedSince = 0
        /// It refused a session; its next heartbeat is asked again.
        var isFull = false
        /// What gateways were told of it.
        var told: Node.Told?
        /// By our own clock.
        var heardAt: Timestamp?

        struct Told: Sendable, Equatable {
            var heartbeat: NodeHeartbeat
            var availability: NodeAvailability
        }

        /// Sessions on it, those of other dispatchers included as far as is known.
        var load: Int { max(self.sessions, self.heartbeat.map { $0.sessions + self.placedSince } ?? 0) }
        var takesSessions: Bool { self.availability == .ready && !self.isFull && self.load < self.capacity }
    }

    private(set) var nodes: [NodeID: Node] = [:]

    mutating func nodeReported(_ id: NodeID, capacity: Int) {
        self.nodes[id, default: Node(capacity: capacity, sessions: 0)].capacity = capacity
    }

    mutating func heard(_ heartbeat: NodeHeartbeat, at now: Timestamp) {
        var node = self.nodes[heartbeat.node] ?? Node(capacity: 0, sessions: 0)
        node.capacity = heartbeat.capacity
        node.heartbeat = heartbeat
        node.placedSince = 0
        node.isFull = false
        node.heardAt = now
        node.availability = heartbeat.isStopping ? .stopped : heartbeat.isDraining ? .draining : .ready
        self.nodes[heartbeat.node] = node
    }

    /// Counts the silence of every node from now on.
    mutating func forgiveSilence(now: Timestamp) {
        for id in self.nodes.keys { self.nodes[id]?.heardAt = now }
    }

    /// Nodes that should be heard of and were not since the moment.
    ///
    /// - Parameter restartGrace: How much longer one that has said that it stops may take to come back.
    func silent(since moment: Timestamp, restartGrace: Duration) -> [NodeID] {
        self.nodes.filter { _, node in
            guard let heardAt = node.heardAt, node.heartbeat != nil else { return false }
            switch node.availability {
            case .ready, .draining: return heardAt < moment
            case .stopped: return heardAt + restartGrace < moment
            case .lost: return false
            }
        }.keys.sorted()
    }

    mutating func told(_ heartbeat: NodeHeartbeat, _ availability: NodeAvailability, of id: NodeID) {
        self.nodes[id]?.told = Node.Told(heartbeat: heartbeat, availability: availability)
    }

    mutating func lost(_ id: NodeID) { self.nodes[id]?.availability = .lost }

    mutating func refused(by id: NodeID) { self.nodes[id]?.isFull = true }

    mutating func sessionAdded(to id: NodeID) {
        self.nodes[id, default: Node(capacity: 0, sessions: 0)].sessions += 1
    }

    /// The session is on its way to the node, which has not counted it yet.
    mutating func sessionPlaced(on id: NodeID, image: String) {
        self.sessionAdded(to: id)
        self.nodes[id]?.placedSince += 1
        if let warm = self.nodes[id]?.heartbeat?.warm[image], warm > 0 {
            self.nodes[id]?.heartbeat?.warm[image] = warm - 1
        }
    }

    mutating func sessionRemoved(from id: NodeID) {
        self.nodes[id]?.sessions -= 1
        // It will show in the next heartbeat; its place is free now.
        if let counted = self.nodes[id]?.heartbeat?.sessions, counted > 0 {
            self.nodes[id]?.heartbeat?.sessions = counted - 1
        }
    }

    /// The node that has a warm sandbox of the image, or else the image, or else anything: of equals that with the largest
    /// free share, then by name. `nil` if all are full.
    func choose(image: String) -> NodeID? {
        var best: (id: NodeID, affinity: Int, free: Double)?
        for (id, node) in self.nodes where node.takesSessions {
            let candidate = (id: id, affinity: Self.affinity(node, image), free: Self.free(node))
            guard let known = best else {
                best = candidate
                continue
            }
            let isBetter =
                candidate.affinity != known.affinity
                ? candidate.affinity > known.affinity
                : candidate.free != known.free ? candidate.free > known.free : id < known.id
            if isBetter { best = candidate }
        }
        return best?.id
    }

    private static func affinity(_ node: Node, _ image: String) -> Int {
        guard let heartbeat = node.heartbeat else { return 0 }
        if heartbeat.warm[image] ?? 0 > 0 { return 2 }
        return heartbeat.images.contains(image) ? 1 : 0
    }

    private static func free(_ node: Node) -> Double {
        1 - Double(node.load) / Double(node.capacity)
    }
}
