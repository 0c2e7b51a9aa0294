/// How something is.
public enum HealthStatus: String, Sendable, CaseIterable, Comparable {
    case healthy
    /// It works, but not as it should.
    case degraded
    case unhealthy

    private var badness: Int {
        switch self {
        case .healthy: 0
        case .degraded: 1
        case .unhealthy: 2
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.badness < right.badness }
}

/// Asks one thing that this installation is configured to use how it is.
public struct HealthProbe: Sendable {
    /// What a probe found.
    public struct Answer: Sendable, Equatable {
        public var status: HealthStatus
        /// What an operator may want to know; shown to anyone who asks.
        public var detail: [String: String]

        public init(_ status: HealthStatus, detail: [String: String] = [:]) {
            self.status = status
            self.detail = detail
        }
    }

    /// As it is called in the answer.
    public var name: String
    /// Whether it is cheap enough for every `GET /health`; else only `/health/detailed` asks it. Defaults to true.
    public var isCheap: Bool
    /// Really asks. An answer that takes more than 5 s counts as `unhealthy`.
    public var check: @Sendable () async -> Answer

    public init(_ name: String, isCheap: Bool = true, check: @escaping @Sendable () async -> Answer) {
        self.name = name
        self.isCheap = isCheap
        self.check = check
    }
}
