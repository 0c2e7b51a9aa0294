import Foundation
import Messages
import SandboxRuntime
import ServiceKit
import Testing

@testable import WorkerNode

@Suite struct SessionFlowTests {
    @Test(.timeLimit(.minutes(10))) func anUnknownImageFailsTheSession() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            let spec = SessionSpec.sample(image: "strange")
            try await dispatcher.send(.ensureSession(spec, container: nil))
            let (reference, problem) = try await dispatcher.nextFailure()
            #expect(reference.incarnation == spec.incarnation)
            #expect(problem == Problem("unknown_image", "unknown image strange; known: known"))
        }
        #expect(try fixture.folders().isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func aStartThatMaySucceedLaterIsTriedOnceMore() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        runtime.failStarts(with: [RuntimeError(.startTimedOut, "slow")])
        try await fixture.run(fixture.worker(runtime)) { dispatcher in _ = try await dispatcher.ready(.sample()) }
        #expect(runtime.specs.count == 2)
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            (RuntimeError.Code.startTimedOut, 2, "start_timed_out"), (.exhausted, 2, "no_capacity"),
            (.startFailed, 1, "start_failed"), (.unavailable, 1, "runtime_unavailable"),
            (.invalidSpec, 1, "invalid_spec"),
        ]
    ) func aStartThatFailsFailsTheSession(_ code: RuntimeError.Code, tries: Int, problem: String) async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        runtime.failStarts(with: [RuntimeError(code, "why"), RuntimeError(code, "why")])
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            try await dispatcher.send(.ensureSession(spec, container: nil), .execute(spec.execution(), attempt: 1))
            #expect(try await dispatcher.nextFailure().1 == Problem(problem, "why"))
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted && loss.problem.message == "why")
        }
        #expect(runtime.specs.count == tries)
        #expect(try fixture.folders().isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func asManySessionsAsAllowedAndNoMore() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime(), maxSandboxes: 1)) { dispatcher in
            let first = SessionSpec.sample("s1")
            _ = try await dispatcher.ready(first)
            try await dispatcher.send(.ensureSession(.sample("s2"), container: nil))
            #expect(try await dispatcher.nextFailure().1.code == "no_capacity")
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSessionThatIsThereIsAnnouncedAgain() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            let first = try await dispatcher.ready(spec)
            #expect(try await dispatcher.ready(spec, container: first.container) == first)
        }
        #expect(runtime.specs.count == 1)
    }

    @Test(.timeLimit(.minutes(10))) func anEndedSessionLeavesNothing() async throws {
        let fixture = try await WorkerFixture()
        let started = Signal()
        let runtime = ProgrammedRuntime { _, sandbox in
            started.fire()
            try await sandbox.waitForDeath()
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(
                .execute(spec.execution("e1"), attempt: 1),
                .execute(spec.execution("e2"), attempt: 1)
            )
            try await started.wait()
            try await dispatcher.send(.endSession(spec.reference))
            let ended = try await dispatcher.nextEnd()
            #expect(ended.outcome.status == .cancelled && ended.outcome.errorMessage == "the session was ended")
            let loss = try await dispatcher.nextLoss()
            #expect(loss.reference.execution == ExecutionID("e2") && loss.neverStarted)
        }
        #expect(try fixture.folders().isEmpty)
        #expect(runtime.live.isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func aSessionThatIsEndedWhileItStartsLeavesNothing() async throws {
        let fixture = try await WorkerFixture()
        let gate = Signal()
        let runtime = ProgrammedRuntime(startGate: gate)
        let worker = try fixture.worker(runtime)
        try await fixture.run(worker) { dispatcher in
            let spec = SessionSpec.sample("s1")
            try await dispatcher.send(.ensureSession(spec, container: nil), .endSession(spec.reference))
            let again = SessionSpec.sample("s1")
            try await dispatcher.send(.ensureSession(again, container: nil))
            try await until {
                let slots = worker.table.withLock { $0.slots }
                return slots[again.incarnation] != nil && slots[spec.incarnation]?.machine.isAlive == false
            }
            gate.fire()
            #expect(try await dispatcher.nextReady().incarnation == again.incarnation)
        }
        #expect(try fixture.folders().count == 1)
        #expect(runtime.live.isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func endingWhatIsNotHereRemovesWhatItLeft() async throws {
        let fixture = try await WorkerFixture()
        let spec = SessionSpec.sample()
        let container = try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            try #require(try await dispatcher.ready(spec).container)
        }
        #expect(try fixture.folders() == [container.rawValue])
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            var reference = spec.reference
            reference.container = container
            try await dispatcher.send(.endSession(reference))
            var evil = SessionSpec.sample("s2").reference
            evil.container = ContainerID("../log.db")
            try await dispatcher.send(.endSession(evil))
            _ = try await dispatcher.ready(.sample("s3"))
        }
        #expect(!(try fixture.folders()).contains(container.rawValue))
        #expect(FileManager.default.fileExists(atPath: "\(fixture.folder)/log.db"))
    }

    @Test(.timeLimit(.minutes(10))) func filesSurviveARestartOfTheWorker() async throws {
        let fixture = try await WorkerFixture()
        let spec = SessionSpec.sample()
        let container = try await fixture.run(fixture.worker(ProgrammedRuntime(), warmPoolSize: 1)) { dispatcher in
            try #require(try await dispatcher.ready(spec).container)
        }
        let file = "\(fixture.sandboxes)/\(container)/note"
        try Data("kept".utf8).write(to: URL(filePath: file))
        let runtime = ProgrammedRuntime()
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let ready = try await dispatcher.ready(spec, container: container)
            #expect(ready.container == container)
        }
        #expect(runtime.specs.map(\.directory) == ["\(fixture.sandboxes)/\(container)"])
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "kept")
    }

    @Test(.timeLimit(.minutes(10))) func aSessionWhoseFilesAreGoneFails() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            try await dispatcher.send(.ensureSession(.sample(), container: ContainerID("sbx-gone")))
            #expect(try await dispatcher.nextFailure().1.code == "workspace_lost")
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSandboxThatDiesIdleIsReplacedByTheNextExecution() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            let ready = try await dispatcher.ready(spec)
            let container = try #require(ready.container)
            try #require(runtime.live[container.rawValue]).die()
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            #expect(try await dispatcher.nextEnd().outcome.status == .completed)
            #expect(runtime.specs.map(\.id.rawValue) == [container.rawValue, container.rawValue])
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSandboxThatDiesAtWorkCrashesTheExecutionAndIsReplaced() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime { order, sandbox in
            if order.id.rawValue == "e1" {
                sandbox.die(.outOfMemory)
                try await sandbox.waitForDeath()
            }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(
                .execute(spec.execution("e1"), attempt: 1),
                .execute(spec.execution("e2"), attempt: 1)
            )
            let first = try await dispatcher.nextEnd()
            #expect(first.reference.execution == ExecutionID("e1") && first.outcome.status == .crashed)
            #expect(first.outcome.errorMessage == "the sandbox died: the sandbox ran out of memory")
            let second = try await dispatcher.nextEnd()
            #expect(second.reference.execution == ExecutionID("e2") && second.outcome.status == .completed)
        }
        #expect(runtime.specs.count == 2)
    }

    @Test(.timeLimit(.minutes(10))) func aSandboxThatCannotBeReplacedEndsTheSession() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            let ready = try await dispatcher.ready(spec)
            runtime.failStarts(with: [RuntimeError(.startFailed, "no more")])
            let container = try #require(ready.container)
            try #require(runtime.live[container.rawValue]).die()
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            let (reference, problem) = try await dispatcher.nextExit()
            #expect(reference == ready && problem.code == "container_exited")
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted && loss.reference.execution == ExecutionID("e1"))
            // The files are left to whoever decides about the session.
            #expect(try fixture.folders() == [container.rawValue])
        }
    }
}
