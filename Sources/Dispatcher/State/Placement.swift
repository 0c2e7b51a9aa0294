internal import Messages

/// Chooses the node for a session.
struct Placement: Sendable, Equatable {
    struct Node: Sendable, Equatable {
        /// Sandboxes it can hold.
        var capacity: Int
        /// Sessions that are on it or on their way to it.
        var sessions: Int
    }

    private(set) var nodes: [NodeID: Node] = [:]

    mutating func nodeReported(_ id: NodeID, capacity: Int) {
        self.nodes[id, default: Node(capacity: capacity, sessions: 0)].capacity = capacity
    }

    mutating func sessionAdded(to id: NodeID) {
        self.nodes[id, default: Node(capacity: 0, sessions: 0)].sessions += 1
    }

    mutating func sessionRemoved(from id: NodeID) {
        self.nodes[id]?.sessions -= 1
    }

    /// The node with the largest free share, by name among equals; `nil` if all are full.
    func choose() -> NodeID? {
        self.nodes
            .filter { $0.value.sessions < $0.value.capacity }
            .max { left, right in
                let (leftFree, rightFree) = (Self.free(left.value), Self.free(right.value))
                return leftFree == rightFree ? left.key > right.key : leftFree < rightFree
            }?
            .key
    }

    private static func free(_ node: Node) -> Double {
        1 - Double(node.sessions) / Double(node.capacity)
    }
}
