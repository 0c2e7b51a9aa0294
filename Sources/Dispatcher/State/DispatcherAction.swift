internal import Messages

/// What follows from one record; carried out in the transaction that also stores that the record was consumed.
enum DispatcherAction: Sendable, Equatable {
    /// Keep the record and tell the gateways.
    case save(StateRecord, partition: Int)
    /// Forget the thing and tell the gateways.
    case forget(StateKey, partition: Int)
    /// Keep how many sandboxes the node can hold.
    case saveNode(NodeID, capacity: Int)
    case send(NodeID, NodeCommand)
    /// Answer a command.
    case decide(Decision, partition: Int)
}

/// Reads what is stored and not in memory, within the transaction of the record that needs it.
protocol DispatcherLookup {
    func session(_ id: SessionID) throws -> Session?
    func execution(_ id: ExecutionID) throws -> Execution?
    func executions(of session: SessionID) throws -> [ExecutionID]
}
