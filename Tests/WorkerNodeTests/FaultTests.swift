import Messages
import SandboxRuntime
import ServiceKit
import Testing
import WorkerNode

@Suite struct FaultTests {
    @Test(.timeLimit(.minutes(10))) func anEndIsPublishedHoweverLongTheLogRefuses() async throws {
        let fixture = try await WorkerFixture()
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime { order, _ in
            started.fire()
            try await gate.wait()
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            try await started.wait()
            fixture.faults.refuse(true)
            gate.fire()
            try await fixture.faults.refused.wait()
            fixture.faults.refuse(false)
            #expect(try await dispatcher.nextEnd().outcome.status == .completed)
            // Known to have ended: no answer but that of the last question.
            try await dispatcher.send(
                .resolve(ExecutionReference(execution: ExecutionID("e1"), session: spec.id, attempt: 1)),
                .resolve(ExecutionReference(execution: ExecutionID("e2"), session: spec.id, attempt: 1))
            )
            #expect(try await dispatcher.nextLoss().reference.execution == ExecutionID("e2"))
            #expect(dispatcher.passedOver.allSatisfy { if case .executionEnded = $0 { false } else { true } })
        }
    }

    @Test(.timeLimit(.minutes(10))) func noCodeStartsBeforeItsRecordIsAcknowledged() async throws {
        let fixture = try await WorkerFixture()
        let runs = Locked(0)
        let runtime = ProgrammedRuntime { order, _ in
            runs.withLock { $0 += 1 }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let spec = SessionSpec.sample()
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            _ = try await dispatcher.ready(spec)
            fixture.faults.refuse(true)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            try await fixture.faults.refused.wait()
        }
        #expect(runs.withLock { $0 } == 0)
        fixture.faults.refuse(false)
        // The record comes again, to a worker that has no such session.
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted && loss.reference.execution == ExecutionID("e1"))
        }
        #expect(runs.withLock { $0 } == 0)
    }

    @Test(.timeLimit(.minutes(10))) func whatWasAcknowledgedAndIsGoneIsLost() async throws {
        let fixture = try await WorkerFixture()
        let spec = SessionSpec.sample()
        let reference = ExecutionReference(execution: ExecutionID("e1"), session: spec.id, attempt: 1)
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            _ = try await dispatcher.nextEnd()
        }
        // Another boot knows nothing of it, as after a crash, and does not run it again.
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            try await dispatcher.send(.resolve(reference))
            let loss = try await dispatcher.nextLoss()
            #expect(loss.reference == reference && !loss.neverStarted && loss.problem.code == "worker_lost")
            #expect(dispatcher.passedOver.allSatisfy { if case .executionEnded = $0 { false } else { true } })
        }
    }

    /// A new owner of a partition repeats what runs, and may not have heard yet that it is lost.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true], [false, true])
    func anAttemptThatWasToldLostNeverStarts(isAsked: Bool, startsAgain: Bool) async throws {
        let fixture = try await WorkerFixture()
        let runs = Locked<[String]>([])
        let runtime = ProgrammedRuntime { order, _ in
            runs.withLock { $0.append(order.id.rawValue) }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let spec = SessionSpec.sample()
        let execution = spec.execution()
        try await fixture.run(fixture.worker(runtime, hasJournal: true)) { dispatcher in
            if isAsked {
                let reference = ExecutionReference(execution: execution.id, session: spec.id, attempt: 1)
                try await dispatcher.send(.resolve(reference))
            } else {
                // As after a start of the worker: the session is yet to be made here.
                try await dispatcher.send(.execute(execution, attempt: 1))
            }
            #expect(try await dispatcher.nextLoss().neverStarted != isAsked)
            if startsAgain { return }
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(execution, attempt: 1), .execute(execution, attempt: 2))
            #expect(try await dispatcher.nextEnd().reference.attempt == 2)
        }
        if startsAgain {
            try await fixture.run(fixture.worker(runtime, hasJournal: true)) { dispatcher in
                _ = try await dispatcher.ready(spec)
                try await dispatcher.send(.execute(execution, attempt: 1), .execute(execution, attempt: 2))
                #expect(try await dispatcher.nextEnd().reference.attempt == 2)
            }
        }
        #expect(runs.withLock { $0.count } == 1)
    }

    @Test(.timeLimit(.minutes(10))) func norDoesItInTheSameBatch() async throws {
        let fixture = try await WorkerFixture()
        let spec = SessionSpec.sample()
        let execution = spec.execution()
        // There when the worker starts, so that it takes them together.
        try await fixture.send(
            .execute(execution, attempt: 1),
            .ensureSession(spec, container: nil),
            .execute(execution, attempt: 1),
            .execute(execution, attempt: 2)
        )
        try await fixture.run(fixture.worker(ProgrammedRuntime(), hasJournal: true)) { dispatcher in
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted)
            #expect(try await dispatcher.nextEnd().reference.attempt == 2)
            #expect(dispatcher.passedOver.allSatisfy { if case .executionEnded = $0 { false } else { true } })
        }
    }
}
