/// What a node has, of the sessions of one partition.
public struct NodeReport: WireMessage {
    public var node: NodeID
    /// Another one after each start of the worker: what an earlier boot ran, the node may no longer know of.
    public var boot: Incarnation
    /// The first report of this boot.
    public var isFirst: Bool
    public var sessions: [SessionReference]
    /// What runs, or waits in the node for its turn.
    public var executions: [ExecutionReference]
    /// Sandboxes the node can hold.
    public var capacity: Int

    public init(
        node: NodeID,
        boot: Incarnation,
        isFirst: Bool,
        sessions: [SessionReference] = [],
        executions: [ExecutionReference] = [],
        capacity: Int
    ) {
        self.node = node
        self.boot = boot
        self.isFirst = isFirst
        self.sessions = sessions
        self.executions = executions
        self.capacity = capacity
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(node: NodeID(""), boot: Incarnation(""), isFirst: false, capacity: 0)
        while let field = try reader.next() {
            switch field {
            case 1: self.node = NodeID(try reader.string())
            case 2: self.boot = Incarnation(try reader.string())
            case 3: self.isFirst = try reader.bool()
            case 4: self.sessions.append(try reader.message())
            case 5: self.executions.append(try reader.message())
            case 6: self.capacity = try reader.int()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.node.rawValue)
        writer.string(2, self.boot.rawValue)
        writer.bool(3, self.isFirst)
        writer.messages(4, self.sessions)
        writer.messages(5, self.executions)
        writer.int(6, self.capacity)
    }
}
