/// A node is alive, and what it offers. Sent to each partition every few seconds.
public struct NodeHeartbeat: WireMessage {
    public var node: NodeID
    /// Another one after each start of the worker.
    public var boot: Incarnation
    /// Sandboxes the node can hold.
    public var capacity: Int
    /// Sessions of all partitions that are on it.
    public var sessions: Int
    /// Where gateways reach its files, as an `http` URL; empty where it offers none.
    public var address: String
    /// `bubblewrap`, `docker`.
    public var runtime: String
    /// Images whose sandboxes start without a download; empty if that is not known.
    public var images: [String]
    /// Ready sandboxes by image.
    public var warm: [String: Int]
    /// An operator wants it empty: it gets no further session.
    public var isDraining: Bool
    /// It is on its way out.
    public var isStopping: Bool

    public init(
        node: NodeID,
        boot: Incarnation,
        capacity: Int,
        sessions: Int = 0,
        address: String = "",
        runtime: String = "",
        images: [String] = [],
        warm: [String: Int] = [:],
        isDraining: Bool = false,
        isStopping: Bool = false
    ) {
        self.node = node
        self.boot = boot
        self.capacity = capacity
        self.sessions = sessions
        self.address = address
        self.runtime = runtime
        self.images = images
        self.warm = warm
        self.isDraining = isDraining
        self.isStopping = isStopping
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(node: NodeID(""), boot: Incarnation(""), capacity: 0)
        var warm: [String: String] = [:]
        while let field = try reader.next() {
            switch field {
            case 1: self.node = NodeID(try reader.string())
            case 2: self.boot = Incarnation(try reader.string())
            case 3: self.capacity = try reader.int()
            case 4: self.sessions = try reader.int()
            case 5: self.address = try reader.string()
            case 6: self.runtime = try reader.string()
            case 7: self.images.append(try reader.string())
            case 8: try reader.entry(into: &warm)
            case 9: self.isDraining = try reader.bool()
            case 10: self.isStopping = try reader.bool()
            default: break
            }
        }
        self.warm = warm.compactMapValues { Int($0) }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.node.rawValue)
        writer.string(2, self.boot.rawValue)
        writer.int(3, self.capacity)
        writer.int(4, self.sessions)
        writer.string(5, self.address)
        writer.string(6, self.runtime)
        for image in self.images { writer.optionalString(7, image) }
        writer.map(8, self.warm.mapValues { "\($0)" })
        writer.bool(9, self.isDraining)
        writer.bool(10, self.isStopping)
    }
}
