import SandboxRuntime
import ServiceKit
import TestKit
import Testing

@Suite struct ScriptedRuntimeTests {
    @Test(.timeLimit(.minutes(10)), arguments: SandboxRuntimeContract.ofAnyRuntime)
    func honours(_ clause: SandboxRuntimeContract) async throws {
        let running = Signal()
        var script = ScriptedRuntime.Script()
        script.outcome = { order, _ in
            guard order.id == OrderID("endless") else {
                return ExecutionReport(id: order.id, outcome: .exited(code: 0))
            }
            running.fire()
            // Ends when the order is cancelled.
            try? await Signal().wait()
            return ExecutionReport(id: order.id, outcome: .exited(code: 1))
        }
        let runtime = ScriptedRuntime(script)
        try await clause.verify(
            SandboxRuntimeContract.Subject(
                runtime: runtime,
                makeSpec: { SandboxSpec(id: try SandboxID($0), image: "python-basic", directory: "/none") },
                kill: { runtime.kill($0.id) },
                endlessOrder: ExecutionOrder(id: OrderID("endless"), language: .shell, code: []),
                awaitRunning: { _ in try await running.wait() }
            )
        )
        await runtime.shutDown()
    }

    @Test(.timeLimit(.minutes(10))) func failsAsManyStartsAsItIsTold() async throws {
        var script = ScriptedRuntime.Script()
        script.failingStarts = 2
        script.startError = RuntimeError(.exhausted, "scripted")
        let runtime = ScriptedRuntime(script)
        let spec = SandboxSpec(id: try SandboxID("a"), image: "python-basic", directory: "/none")
        for _ in 0..<2 {
            let error = await #expect(throws: RuntimeError.self) { _ = try await runtime.start(spec) }
            #expect(error?.code == .exhausted)
        }
        _ = try await runtime.start(spec)
        #expect(runtime.running == [spec.id])
    }

    @Test(.timeLimit(.minutes(10))) func diesInTheOrderThatItIsTold() async throws {
        var script = ScriptedRuntime.Script()
        script.dyingAfter = [1]
        let runtime = ScriptedRuntime(script)
        let spec = SandboxSpec(id: try SandboxID("a"), image: "python-basic", directory: "/none")
        let mortal = try await runtime.start(spec)
        let order = ExecutionOrder(id: OrderID("o"), language: .shell, code: [])
        #expect(try await mortal.execute(order).outcome == .exited(code: 0))
        let error = await #expect(throws: RuntimeError.self) { _ = try await mortal.execute(order) }
        #expect(error?.code == .sandboxLost)
        #expect(runtime.running.isEmpty)
        let next = try await runtime.start(spec)
        for _ in 0..<3 { #expect(try await next.execute(order).outcome == .exited(code: 0)) }
    }
}
