import Foundation
import HTTPClient
import ServiceKit
import Testing

@testable import APIGateway

@Suite struct HealthRoutesTests {
    @Test(.timeLimit(.minutes(10))) func healthIsAnsweredAtTheRootAndUnderTheBase() async throws {
        try await GatewayFixture.run { gateway in
            for path in ["//health", "/health"] {
                let answer = try await gateway.get(path)
                #expect(answer.status == 200)
                #expect(answer.string("status") == "healthy")
                #expect(answer.string("version") == "2.1.0")
                #expect((answer.object["uptime"] as? Double ?? -1) >= 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [HealthStatus.degraded, .unhealthy])
    func whatAProbeSaysIsTold(_ status: HealthStatus) async throws {
        var options = GatewayFixture.Options()
        options.probes = [HealthProbe("part") { HealthProbe.Answer(status, detail: ["why": "because"]) }]
        try await GatewayFixture.run(options) { gateway in
            #expect(try await gateway.get("/health").string("status") == status.rawValue)
            let detailed = try await gateway.get("/health/detailed")
            #expect(detailed.status == 200)
            #expect(detailed.string("status") == status.rawValue)
            let parts = try #require(detailed.object["dependencies"] as? [String: [String: Any]])
            #expect(parts["part"]?["status"] as? String == status.rawValue)
            #expect((parts["part"]?["detail"] as? [String: String])?["why"] == "because")
            #expect(parts["dispatcher"]?["status"] as? String == "healthy")
            #expect(parts["read_model"]?["status"] as? String == "healthy")
            #expect(parts["log"]?["status"] as? String == "healthy")
        }
    }

    @Test(.timeLimit(.minutes(10))) func aDispatcherThatIsGoneIsUnhealthy() async throws {
        var options = GatewayFixture.Options()
        options.decisionTimeout = .milliseconds(200)
        try await GatewayFixture.run(options) { gateway in
            gateway.dispatcher.fallSilent()
            let detailed = try await gateway.get("/health/detailed")
            #expect(detailed.string("status") == "unhealthy")
            let sync = try await gateway.send("POST", "/health/sync")
            #expect(sync.status == 503)
            #expect(sync.code == "dispatcher_unavailable")
        }
    }

    @Test(.timeLimit(.minutes(10))) func reconcilingAddsUpWhatEachPartitionFound() async throws {
        try await GatewayFixture.run { gateway in
            let answer = try await gateway.send("POST", "/health/sync")
            #expect(answer.status == 200)
            #expect(answer.object["findings"] as? [String: Int] == ["sessions": 2 * ScriptedDispatcher.partitions])
        }
    }

    @Test(.timeLimit(.minutes(10))) func aProbeThatThrowsNothingBackInTimeIsNotWaitedFor() async throws {
        let never = Signal()
        let monitor = HealthMonitor(
            probes: [
                HealthProbe("stuck") {
                    // Cancelled when the answer is given without it.
                    try? await never.wait()
                    return HealthProbe.Answer(.healthy)
                }
            ],
            patience: .milliseconds(50)
        )
        let report = await monitor.report()
        #expect(report.status == .unhealthy)
    }

    @Test(.timeLimit(.minutes(10))) func withoutADispatcherTheStartIsNotHeldForEver() async throws {
        var options = GatewayFixture.Options()
        options.hasDispatcher = false
        options.decisionTimeout = .milliseconds(200)
        try await GatewayFixture.run(options) { gateway in
            #expect(gateway.gateway.isReady)
            let answer = try await gateway.get("/health")
            #expect(answer.string("status") == "unhealthy")
        }
    }
}
