internal import Messages
internal import ServiceKit

/// What a dispatcher counts.
struct DispatcherMetrics: Sendable {
    let decisions: Counter
    let deadLetters: Counter
    let sessions: Gauge
    let unplaced: Gauge
    let executions: Gauge
    private let ended: [ExecutionStatus: Counter]

    init(registry: MetricsRegistry) {
        self.decisions = registry.counter("sandbox_dispatcher_actions_total", help: "Actions decided")
        self.deadLetters = registry.counter("sandbox_dead_letters_total", help: "Records that could not be read")
        self.sessions = registry.gauge("sandbox_sessions_active", help: "Sessions that are not over")
        self.unplaced = registry.gauge("sandbox_sessions_unplaced", help: "Sessions that wait for a node")
        self.executions = registry.gauge("sandbox_executions_active", help: "Executions that wait or run")
        let statuses = ExecutionStatus.allCases.filter(\.isTerminal)
        self.ended = Dictionary(
            uniqueKeysWithValues: statuses.map { status in
                let labels = ["status": status.name]
                return (status, registry.counter("sandbox_executions_total", help: "Executions ended", labels: labels))
            }
        )
    }

    func record(_ record: StateRecord) {
        if case .execution(let execution) = record { self.ended[execution.status]?.increment() }
    }
}
