/// Decides what a node has room for.
struct CapacityTable: Sendable {
    private struct Node: Sendable {
        var capacity: Int
        var reserved = 0
        var holders: [String: Int] = [:]
    }

    private var nodes = ExpiringDictionary<Node>()

    mutating func setCapacity(
        _ capacity: Int,
        of name: String,
        holdings: [String: Int],
        lifetime: Duration,
        now: ContinuousClock.Instant
    ) {
        var node =
            self.nodes.value(name, now: now)
            ?? Node(capacity: capacity, reserved: holdings.values.reduce(0, +), holders: holdings)
        node.capacity = capacity
        self.nodes.set(name, to: node, until: now + lifetime, now: now)
    }

    mutating func reserve(_ request: CapacityRequest, now: ContinuousClock.Instant) -> CapacityAnswer {
        guard let node = self.nodes.value(request.holder.node, now: now) else { return .unknownNode }
        if node.holders[request.holder.name] != nil { return .reserved }
        guard node.reserved + request.amount <= node.capacity else { return .full }
        self.nodes.update(request.holder.node) { node in
            node.reserved += request.amount
            node.holders[request.holder.name] = request.amount
        }
        return .reserved
    }

    mutating func release(_ holder: CapacityHolder) {
        self.nodes.update(holder.node) { node in
            node.reserved -= node.holders.removeValue(forKey: holder.name) ?? 0
        }
    }

    func usage(of name: String, now: ContinuousClock.Instant) -> NodeUsage? {
        self.nodes.value(name, now: now).map {
            NodeUsage(capacity: $0.capacity, reserved: $0.reserved, holderCount: $0.holders.count)
        }
    }
}
