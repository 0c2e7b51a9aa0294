import Messages
import SandboxRuntime
import ServiceKit
import Testing

@testable import WorkerNode

@Suite struct ShutdownTests {
    @Test(.timeLimit(.minutes(10))) func letsARunningExecutionFinish() async throws {
        let fixture = try await WorkerFixture()
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime { order, sandbox in
            started.fire()
            try await gate.wait()
            if sandbox.death.isFired { try await sandbox.waitForDeath() }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let worker = try fixture.worker(runtime)
        try await fixture.run(worker) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            try await started.wait()
            dispatcher.group.shutDown()
            try await until { worker.table.withLock({ $0.isShutDown }) }
            gate.fire()
            #expect(try await dispatcher.nextEnd().outcome.status == .completed)
        }
        #expect(runtime.live.isEmpty)
        #expect(try fixture.folders().count == 1)
    }

    @Test(.timeLimit(.minutes(10))) func reportsAsCrashedWhatDoesNotFinish() async throws {
        let fixture = try await WorkerFixture()
        let started = Signal()
        let runtime = ProgrammedRuntime { _, sandbox in
            started.fire()
            try await sandbox.waitForDeath()
        }
        try await fixture.run(fixture.worker(runtime, drainTimeout: .milliseconds(1))) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(
                .execute(spec.execution("e1"), attempt: 1),
                .execute(spec.execution("e2"), attempt: 1)
            )
            try await started.wait()
            dispatcher.group.shutDown()
            let ended = try await dispatcher.nextEnd()
            #expect(ended.outcome.status == .crashed && ended.outcome.errorMessage == "the worker was shut down")
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted && loss.problem.code == "worker_shut_down")
        }
        #expect(runtime.live.isEmpty)
        #expect(try fixture.folders().count == 1)
    }

    @Test(.timeLimit(.minutes(10))) func aCommandThatComesTooLateIsLeftToTheNextStart() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { _ in }
        let spec = SessionSpec.sample()
        try await fixture.send(.ensureSession(spec, container: nil))
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            let ready = try await dispatcher.nextReady()
            #expect(ready.incarnation == spec.incarnation)
        }
    }

    @Test(.timeLimit(.minutes(10))) func startsAndStopsOverAndOver() async throws {
        let fixture = try await WorkerFixture()
        for _ in 0..<100 {
            try await fixture.run(fixture.worker(ProgrammedRuntime(), warmPoolSize: 1)) { _ in }
        }
        #expect(try fixture.folders().isEmpty)
    }
}
