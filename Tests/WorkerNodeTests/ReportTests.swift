import Messages
import SandboxRuntime
import ServiceKit
import Testing
import WorkerNode

@Suite struct ReportTests {
    @Test(.timeLimit(.minutes(10))) func reportsAtBootAndWhenAsked() async throws {
        let fixture = try await WorkerFixture()
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime { order, _ in
            started.fire()
            try await gate.wait()
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let worker = try fixture.worker(runtime, maxSandboxes: 7)
        try await fixture.run(worker) { dispatcher in
            let first = try await dispatcher.nextReport()
            #expect(first.isFirst && first.sessions.isEmpty && first.node == fixture.node && first.capacity == 7)
            #expect(first.boot == worker.boot)
            var ready: Set<SessionReference> = []
            let specs = (1...5).map { SessionSpec.sample("s\($0)") }
            for spec in specs { ready.insert(try await dispatcher.ready(spec)) }
            try await dispatcher.send(.execute(specs[0].execution("e1"), attempt: 4))
            try await started.wait()
            try await dispatcher.send(.report)
            let second = try await dispatcher.nextReport()
            #expect(!second.isFirst && Set(second.sessions) == ready && second.boot == first.boot)
            #expect(
                second.executions
                    == [ExecutionReference(execution: ExecutionID("e1"), session: specs[0].id, attempt: 4)]
            )
            gate.fire()
            _ = try await dispatcher.nextEnd()
        }
    }

    @Test(.timeLimit(.minutes(10))) func reportsAtItsInterval() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime(), reportInterval: .milliseconds(100))) { dispatcher in
            let first = try await dispatcher.nextReport()
            #expect(first.isFirst)
            for _ in 0..<2 {
                let next = try await dispatcher.nextReport()
                #expect(!next.isFirst && next.boot == first.boot)
            }
        }
    }
}
