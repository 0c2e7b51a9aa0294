import MessageBus
import Messages
import ServiceKit

/// What the gateway itself depends on.
enum GatewayProbes {
    static func all(
        bus: any MessageBus,
        model: ReadModel,
        commands: CommandPublisher,
        health: DispatcherHealth,
        ready: Signal,
        partitions: Int
    ) -> [HealthProbe] {
        [
            HealthProbe("read_model") {
                guard ready.isFired else {
                    return HealthProbe.Answer(.unhealthy, detail: ["problem": "it is still being built"])
                }
                let detail = [
                    "records_in_memory": "\(model.cachedRecords)", "records_to_write": "\(model.unwrittenRecords)",
                    "open_executions": "\(model.openExecutions)",
                ]
                return HealthProbe.Answer(model.isStorageHealthy ? .healthy : .degraded, detail: detail)
            },
            HealthProbe("log") {
                do {
                    let ends = try await bus.endOffsets(of: Topics.state)
                    return HealthProbe.Answer(.healthy, detail: ["state_records": "\(ends.reduce(0, +))"])
                } catch {
                    return HealthProbe.Answer(.unhealthy, detail: ["problem": "it does not answer"])
                }
            },
            HealthProbe("dispatcher_answers") {
                HealthProbe.Answer(health.isAnswering ? .healthy : .unhealthy)
            },
            HealthProbe("dispatcher", isCheap: false) {
                let start = ContinuousClock.now
                do throws(APIError) {
                    try await commands.probe(partitions: partitions)
                    let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
                    return HealthProbe.Answer(.healthy, detail: ["answer_ms": "\(milliseconds)"])
                } catch {
                    return HealthProbe.Answer(.unhealthy, detail: ["problem": error.message])
                }
            },
        ]
    }
}
