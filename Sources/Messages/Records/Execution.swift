/// The states of the API, and `cancelled`. Raw values are on the wire; ``name`` is the API's.
public enum ExecutionStatus: Int, Sendable, CaseIterable {
    case pending = 1
    case running = 2
    case completed = 3
    case failed = 4
    case timeout = 5
    case crashed = 6
    case cancelled = 7

    public var name: String {
        switch self {
        case .pending: "pending"
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .timeout: "timeout"
        case .crashed: "crashed"
        case .cancelled: "cancelled"
        }
    }

    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// A terminal status never changes.
    public var isTerminal: Bool { self != .pending && self != .running }
}

/// An execution as it is kept and answered.
public struct Execution: WireMessage {
    public var spec: ExecutionSpec
    public var status: ExecutionStatus
    /// The attempt that runs or ran last, from 1; 0 before the first. A report of an earlier one is void.
    public var attempt: Int
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    /// Present once ``status`` is terminal.
    public var outcome: ExecutionOutcome?
    /// Rises with each change: of two records the higher is the newer.
    public var version: Int
    /// How often it was started again after it had really started.
    public var retriesUsed: Int
    /// A running one shall end; how it ends is for its node to say.
    public var isCancelRequested: Bool

    public init(
        spec: ExecutionSpec,
        status: ExecutionStatus = .pending,
        attempt: Int = 0,
        startedAt: Timestamp? = nil,
        completedAt: Timestamp? = nil,
        outcome: ExecutionOutcome? = nil,
        version: Int = 0,
        retriesUsed: Int = 0,
        isCancelRequested: Bool = false
    ) {
        self.spec = spec
        self.status = status
        self.attempt = attempt
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.outcome = outcome
        self.version = version
        self.retriesUsed = retriesUsed
        self.isCancelRequested = isCancelRequested
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var spec: ExecutionSpec?
        var status: ExecutionStatus?
        var attempt = 0
        var startedAt: Timestamp?
        var completedAt: Timestamp?
        var outcome: ExecutionOutcome?
        var version = 0
        var retriesUsed = 0
        var isCancelRequested = false
        while let field = try reader.next() {
            switch field {
            case 1: spec = try reader.message()
            case 2: status = try reader.enumeration()
            case 3: attempt = try reader.int()
            case 4: startedAt = try reader.timestamp()
            case 5: completedAt = try reader.timestamp()
            case 6: outcome = try reader.message()
            case 7: version = try reader.int()
            case 8: retriesUsed = try reader.int()
            case 9: isCancelRequested = try reader.bool()
            default: break
            }
        }
        guard let spec, let status else { throw MessageError(.malformed, "an execution lacks its spec or status") }
        self.init(
            spec: spec,
            status: status,
            attempt: attempt,
            startedAt: startedAt,
            completedAt: completedAt,
            outcome: outcome,
            version: version,
            retriesUsed: retriesUsed,
            isCancelRequested: isCancelRequested
        )
    }

    public func encode(to writer: inout WireWriter) {
        writer.message(1, self.spec)
        writer.int(2, self.status.rawValue)
        writer.int(3, self.attempt)
        writer.timestamp(4, self.startedAt)
        writer.timestamp(5, self.completedAt)
        writer.optionalMessage(6, self.outcome)
        writer.int(7, self.version)
        writer.int(8, self.retriesUsed)
        writer.bool(9, self.isCancelRequested)
    }
}
