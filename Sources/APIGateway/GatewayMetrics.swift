import Messages
import ServiceKit

/// What the gateway counts. Made once; labels are bounded by the languages and outcomes.
final class GatewayMetrics: Sendable {
    private let submissions: [Language: Counter]
    private let outcomes: [ExecutionStatus: Counter]
    private let executionTime: Histogram

    init(registry: MetricsRegistry) {
        self.submissions = Dictionary(
            uniqueKeysWithValues: Language.allCases.map { language in
                let counter = registry.counter(
                    "sandbox_executions_accepted_total",
                    help: "Executions that were accepted",
                    labels: ["language": language.name]
                )
                return (language, counter)
            }
        )
        self.outcomes = Dictionary(
            uniqueKeysWithValues: ExecutionStatus.allCases.filter(\.isTerminal).map { status in
                let counter = registry.counter(
                    "sandbox_executions_ended_total",
                    help: "Executions that ended",
                    labels: ["outcome": status.name]
                )
                return (status, counter)
            }
        )
        self.executionTime = registry.histogram(
            "sandbox_execution_seconds",
            help: "From the acceptance of an execution to its end"
        )
    }

    func submitted(_ language: Language) { self.submissions[language]?.increment() }

    func ended(_ execution: Execution) {
        self.outcomes[execution.status]?.increment()
        if let completed = execution.completedAt { self.executionTime.observe(completed - execution.spec.createdAt) }
    }

    /// Gauges that are read when somebody asks.
    static func registerGauges(_ registry: MetricsRegistry, model: ReadModel) {
        registry.gauge("sandbox_executions_open", help: "Executions that have not ended") {
            Double(model.openExecutions)
        }
        registry.gauge("sandbox_read_model_records", help: "Records in memory") { Double(model.cachedRecords) }
        registry.gauge("sandbox_read_model_bytes", help: "Memory for records, estimated") { Double(model.cachedBytes) }
        registry.gauge("sandbox_read_model_unwritten", help: "Records that the database does not hold yet") {
            Double(model.unwrittenRecords)
        }
    }
}
