import Messages
import SandboxRuntime
import ServiceKit
import Testing
import WorkerNode

@Suite struct ExecutionFlowTests {
    @Test(.timeLimit(.minutes(1))) func aSessionIsMadeAndRunsAnExecution() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime { order, _ in
            ExecutionReport(id: order.id, outcome: .exited(code: 0), returnValue: Array("[1.0]".utf8))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            let ready = try await dispatcher.ready(spec)
            #expect(ready.session == spec.id && ready.incarnation == spec.incarnation && ready.container != nil)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            let ended = try await dispatcher.nextEnd()
            #expect(ended.reference == ExecutionReference(execution: ExecutionID("e1"), session: spec.id, attempt: 1))
            #expect(ended.outcome.status == .completed)
            #expect(ended.outcome.returnValue == Array("[1.0]".utf8))
            #expect(ended.startedAt <= ended.endedAt)
        }
    }
}
