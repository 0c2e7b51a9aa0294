import SandboxRuntime
import Testing

@Suite struct SmokeTests {
    @Test(.timeLimit(.minutes(1))) func runsPython() async throws {
        let fixture = try BubblewrapFixture()
        print(BubblewrapFixture.agentPath)
        let clock = ContinuousClock()
        for index in 0..<3 {
            let t0 = clock.now
            let sandbox = try await fixture.runtime.start(fixture.spec("s\(index)"))
            print("start", clock.now - t0)
            for _ in 0..<5 {
                let t1 = clock.now
                let report = try await sandbox.execute(
                    ExecutionOrder(
                        id: OrderID("a"),
                        language: .python,
                        code: Array("def handler(e):\n  return 1+1".utf8)
                    )
                )
                print("exec", clock.now - t1, report.metrics.duration)
                #expect(report.outcome == .exited(code: 0))
                #expect(report.returnValue == Array("2".utf8), "\(report)")
            }
            let t2 = clock.now
            await sandbox.stop()
            print("stop", clock.now - t2)
        }
        print(await fixture.runtime.capabilities())
        try await fixture.close()
    }
}
