import Messages
import ServiceKit

/// What a worker node counts and measures; made once.
struct WorkerNodeMetrics: Sendable {
    let publishRetries: Counter
    let poolHits: Counter
    let poolMisses: Counter
    let reaped: Counter
    let sandboxesLost: Counter
    let fenced: Counter
    let claimSeconds: Histogram
    let coldStartSeconds: Histogram
    let executionSeconds: Histogram
    private let ends: [ExecutionStatus: Counter]

    init(registry: MetricsRegistry) {
        self.publishRetries = registry.counter(
            "sandbox_worker_publish_retries_total",
            help: "Attempts to publish events that the log refused"
        )
        self.poolHits = registry.counter(
            "sandbox_worker_pool_claims_total",
            help: "Sessions by where their sandbox came from",
            labels: ["source": "pool"]
        )
        self.poolMisses = registry.counter(
            "sandbox_worker_pool_claims_total",
            help: "Sessions by where their sandbox came from",
            labels: ["source": "start"]
        )
        self.reaped = registry.counter(
            "sandbox_worker_reaped_total",
            help: "Folders and processes removed that nobody knew"
        )
        self.sandboxesLost = registry.counter(
            "sandbox_worker_sandboxes_lost_total",
            help: "Sandboxes that died by themselves"
        )
        self.fenced = registry.counter(
            "sandbox_worker_fenced_commands_total",
            help: "Commands of dispatchers that had lost their partition"
        )
        self.claimSeconds = registry.histogram(
            "sandbox_worker_claim_seconds",
            help: "Time to make a pooled sandbox a session's"
        )
        self.coldStartSeconds = registry.histogram(
            "sandbox_worker_start_seconds",
            help: "Time to start a sandbox, waiting for its turn included"
        )
        self.executionSeconds = registry.histogram(
            "sandbox_worker_execution_seconds",
            help: "Time from the start of an execution to its end"
        )
        var ends: [ExecutionStatus: Counter] = [:]
        for status in ExecutionStatus.allCases where status.isTerminal {
            ends[status] = registry.counter(
                "sandbox_worker_executions_total",
                help: "Executions that ended here, by status",
                labels: ["status": status.name]
            )
        }
        self.ends = ends
    }

    func ended(_ status: ExecutionStatus, after duration: Duration) {
        self.ends[status]?.increment()
        self.executionSeconds.observe(duration)
    }
}
