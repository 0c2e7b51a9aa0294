import Messages
import SandboxRuntime
import ServiceKit
import TestKit
import Testing
import WorkerNode

@Suite struct LocalWorkspacesTests {
    @Test(.timeLimit(.minutes(10))) func servesLiveSessionsAndNobodyElse() async throws {
        let fixture = try await WorkerFixture()
        let worker = try fixture.worker(ProgrammedRuntime())
        try await fixture.run(worker) { dispatcher in
            let spec = SessionSpec.sample()
            let container = try #require(try await dispatcher.ready(spec).container)
            _ = try await worker.workspaces.workspace(of: container.rawValue)
            for name in ["", "..", "../log.db", "sbx-unknown", "\(container)/../x"] {
                let error = await #expect(throws: RuntimeError.self) {
                    _ = try await worker.workspaces.workspace(of: name)
                }
                #expect(error?.code == .sandboxLost)
            }
            try await dispatcher.send(.endSession(spec.reference))
            _ = try await dispatcher.ready(.sample("s2"))
            await #expect(throws: RuntimeError.self) {
                _ = try await worker.workspaces.workspace(of: container.rawValue)
            }
        }
    }
}

@Suite struct RuntimeCapabilityTests {
    @Test(.timeLimit(.minutes(10))) func aSandboxThatRanOnIsTakenOver() async throws {
        let fixture = try await WorkerFixture()
        var script = ScriptedRuntime.Script()
        let id = try SandboxID("sbx-survivor")
        script.recovered = [id]
        let runtime = ScriptedRuntime(script)
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let ready = try await dispatcher.ready(.sample(image: "python-basic"), container: ContainerID(id.rawValue))
            #expect(ready.container == ContainerID(id.rawValue))
            #expect(runtime.running == [id])
            #expect(!runtime.calls.contains { if case .start = $0 { true } else { false } })
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSandboxThatRanOnAndIsNotWantedIsStopped() async throws {
        let fixture = try await WorkerFixture()
        var script = ScriptedRuntime.Script()
        script.recovered = [try SandboxID("sbx-survivor")]
        let runtime = ScriptedRuntime(script)
        try await fixture.run(fixture.worker(runtime, reaperGrace: .zero)) { dispatcher in
            _ = try await dispatcher.nextReport()
            #expect(!runtime.running.isEmpty)
            try await dispatcher.send(.report)
            try await until { runtime.running.isEmpty }
        }
    }

    @Test(.timeLimit(.minutes(10))) func aPooledSandboxThatCannotHaveTheCeilingsIsNotUsed() async throws {
        let fixture = try await WorkerFixture()
        var script = ScriptedRuntime.Script()
        script.applyError = RuntimeError(.unsupported, "no")
        let runtime = ScriptedRuntime(script)
        let worker = try fixture.worker(runtime, warmPoolSize: 1, image: "python-basic")
        try await fixture.run(worker) { dispatcher in
            try await until { (await worker.status()).pools.first?.ready == 1 }
            let pooled = try #require(runtime.running.first)
            let spec = SessionSpec.sample(image: "python-basic", memoryBytes: 1 << 30)
            let ready = try await dispatcher.ready(spec)
            #expect(ready.container?.rawValue != pooled.rawValue)
            #expect(!runtime.running.contains(pooled))
        }
    }
}
