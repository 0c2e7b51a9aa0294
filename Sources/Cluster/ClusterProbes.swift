internal import APIGateway
internal import Coordination

/// How the parts of a cluster are, for the gateways' health calls.
enum ClusterProbes {
    /// Without it everything goes on, more slowly.
    static func redis(_ coordination: any Coordination) -> HealthProbe {
        HealthProbe("redis") {
            do throws(CoordinationError) {
                try await coordination.ping()
                return HealthProbe.Answer(.healthy)
            } catch {
                return HealthProbe.Answer(.degraded, detail: ["problem": "it does not answer: \(error.code)"])
            }
        }
    }
}
