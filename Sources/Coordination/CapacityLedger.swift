/// How much of each node is taken, and by whom.
public protocol CapacityLedger: Sendable {
    /// Says what a node has room for, and keeps the node known for `lifetime`.
    ///
    /// - Parameters:
    ///   - capacity: Not negative. A lower one takes nothing from those who hold it.
    ///   - holdings: What the node already holds, by holder. It counts only if the node is not known: a ledger that has
    ///     forgotten everything starts from what is true.
    ///   - lifetime: Without another call the node, with all its reservations, is forgotten after it; more than zero.
    func setCapacity(
        _ capacity: Int,
        of node: String,
        holdings: [String: Int],
        lifetime: Duration
    ) async throws(CoordinationError)

    /// Reserves, each request on its own: all of its amount or nothing, and never beyond the capacity.
    ///
    /// A holder that has a reservation on the node keeps it as it is, whatever amount it asks for.
    /// - Returns: One answer for each request, in order; earlier requests count for later ones.
    func reserve(_ requests: [CapacityRequest]) async throws(CoordinationError) -> [CapacityAnswer]

    /// Gives reservations back. Unknown ones are no error.
    func release(_ holders: [CapacityHolder]) async throws(CoordinationError)

    /// What is taken of the nodes, in order; `nil` for those that are not known.
    func usage(of nodes: [String]) async throws(CoordinationError) -> [NodeUsage?]
}

extension CapacityLedger {
    public func setCapacity(_ capacity: Int, of node: String, lifetime: Duration) async throws(CoordinationError) {
        try await self.setCapacity(capacity, of: node, holdings: [:], lifetime: lifetime)
    }
}

/// Somebody who takes room on a node.
public struct CapacityHolder: Sendable, Hashable {
    /// Not empty.
    public var node: String
    /// A session, say; not empty.
    public var name: String

    public init(node: String, name: String) {
        self.node = node
        self.name = name
    }
}

/// A wish for room on a node.
public struct CapacityRequest: Sendable, Hashable {
    public var holder: CapacityHolder
    /// In the unit of the node's capacity; not negative.
    public var amount: Int

    public init(node: String, holder: String, amount: Int) {
        self.holder = CapacityHolder(node: node, name: holder)
        self.amount = amount
    }
}

/// What became of a request.
public enum CapacityAnswer: Sendable, Hashable {
    /// The holder has its room, from now on or from before.
    case reserved
    /// The node has not that much left.
    case full
    /// The ledger does not know the node, or has forgotten it: the caller goes by what it knows itself.
    case unknownNode
}

/// What is taken of a node.
public struct NodeUsage: Sendable, Hashable {
    public var capacity: Int
    /// The sum of the reservations. Above `capacity` after that was lowered.
    public var reserved: Int
    /// How many have a reservation.
    public var holderCount: Int

    public init(capacity: Int, reserved: Int, holderCount: Int) {
        self.capacity = capacity
        self.reserved = reserved
        self.holderCount = holderCount
    }
}
