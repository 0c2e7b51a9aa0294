/// The states of the API. Raw values are on the wire; ``name`` is the API's.
public enum SessionStatus: Int, Sendable, CaseIterable {
    case creating = 1
    case running = 2
    case completed = 3
    case failed = 4
    case timeout = 5
    case terminated = 6

    public var name: String {
        switch self {
        case .creating: "creating"
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .timeout: "timeout"
        case .terminated: "terminated"
        }
    }

    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// Whether the session takes executions.
    public var isActive: Bool { self == .creating || self == .running }
}

/// A session as it is kept and answered.
public struct Session: WireMessage {
    public var spec: SessionSpec
    public var status: SessionStatus
    public var node: NodeID?
    public var container: ContainerID?
    public var problem: Problem?
    public var dependencies: DependencyState
    /// Rises with each change of this incarnation: of two records the higher is the newer.
    public var version: Int
    public var updatedAt: Timestamp
    public var completedAt: Timestamp?
    public var lastActivityAt: Timestamp
    /// Its node was asked for a new sandbox over the same files; executions wait for it.
    public var isRestarting: Bool

    public init(
        spec: SessionSpec,
        status: SessionStatus = .creating,
        node: NodeID? = nil,
        container: ContainerID? = nil,
        problem: Problem? = nil,
        dependencies: DependencyState = DependencyState(),
        version: Int = 1,
        updatedAt: Timestamp,
        completedAt: Timestamp? = nil,
        lastActivityAt: Timestamp,
        isRestarting: Bool = false
    ) {
        self.spec = spec
        self.status = status
        self.node = node
        self.container = container
        self.problem = problem
        self.dependencies = dependencies
        self.version = version
        self.updatedAt = updatedAt
        self.completedAt = completedAt
        self.lastActivityAt = lastActivityAt
        self.isRestarting = isRestarting
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var spec: SessionSpec?
        var status: SessionStatus?
        var node: NodeID?
        var container: ContainerID?
        var problem: Problem?
        var dependencies = DependencyState()
        var version = 0
        var updatedAt = Timestamp(microseconds: 0)
        var completedAt: Timestamp?
        var lastActivityAt = Timestamp(microseconds: 0)
        var isRestarting = false
        while let field = try reader.next() {
            switch field {
            case 1: spec = try reader.message()
            case 2: status = try reader.enumeration()
            case 3: node = NodeID(try reader.string())
            case 4: container = ContainerID(try reader.string())
            case 5: problem = try reader.message()
            case 6: version = try reader.int()
            case 7: updatedAt = try reader.timestamp()
            case 8: completedAt = try reader.timestamp()
            case 9: lastActivityAt = try reader.timestamp()
            case 10: dependencies = try reader.message()
            case 11: isRestarting = try reader.bool()
            default: break
            }
        }
        guard let spec, let status else { throw MessageError(.malformed, "a session lacks its spec or status") }
        self.init(
            spec: spec,
            status: status,
            node: node,
            container: container,
            problem: problem,
            dependencies: dependencies,
            version: version,
            updatedAt: updatedAt,
            completedAt: completedAt,
            lastActivityAt: lastActivityAt,
            isRestarting: isRestarting
        )
    }

    public func encode(to writer: inout WireWriter) {
        writer.message(1, self.spec)
        writer.int(2, self.status.rawValue)
        writer.optionalString(3, self.node?.rawValue)
        writer.optionalString(4, self.container?.rawValue)
        writer.optionalMessage(5, self.problem)
        writer.int(6, self.version)
        writer.timestamp(7, self.updatedAt)
        writer.timestamp(8, self.completedAt)
        writer.timestamp(9, self.lastActivityAt)
        writer.message(10, self.dependencies)
        writer.bool(11, self.isRestarting)
    }
}
