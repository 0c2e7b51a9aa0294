import MessageBus
import Messages
import SandboxRuntime
import ServiceKit
import Testing

@testable import WorkerNode

@Suite struct ExecutionFlowTests {
    @Test(.timeLimit(.minutes(10))) func aSessionIsMadeAndRunsAnExecution() async throws {
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

    @Test(.timeLimit(.minutes(10))) func anOrderCarriesWhatTheClientAskedFor() async throws {
        let fixture = try await WorkerFixture()
        let orders = Locked<[ExecutionOrder]>([])
        let runtime = ProgrammedRuntime { order, _ in
            orders.withLock { $0.append(order) }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample(
                template: ["A": "template", "B": "template", "C": "template"],
                environment: ["B": "session", "C": "session"]
            )
            _ = try await dispatcher.ready(spec)
            var execution = spec.execution(code: "é", environment: ["C": "execution"], timeoutSeconds: 7)
            execution.language = .shell
            execution.event = Array(#"{"n":1.0}"#.utf8)
            try await dispatcher.send(.execute(execution, attempt: 1))
            _ = try await dispatcher.nextEnd()
        }
        let order = try #require(orders.withLock { $0.first })
        #expect(order.code == Array("é".utf8) && order.language == .shell && order.timeout == .seconds(7))
        #expect(order.event == Array(#"{"n":1.0}"#.utf8))
        let merged = Dictionary(order.environment.map { ($0.name, $0.value) }) { _, later in later }
        #expect(merged == ["A": "template", "B": "session", "C": "execution"])
    }

    @Test(.timeLimit(.minutes(10))) func executionsOfASessionRunOneAtATimeInOrder() async throws {
        let fixture = try await WorkerFixture()
        let ran = Locked<[String]>([])
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime { order, _ in
            ran.withLock { $0.append(order.id.rawValue) }
            started.fire()
            try await gate.wait()
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await fixture.send((1...5).map { .execute(spec.execution("e\($0)"), attempt: 1) })
            try await started.wait()
            #expect(ran.withLock { $0 } == ["e1"])
            gate.fire()
            for number in 1...5 {
                #expect(try await dispatcher.nextEnd().reference.execution == ExecutionID("e\(number)"))
            }
        }
        #expect(ran.withLock { $0 } == ["e1", "e2", "e3", "e4", "e5"])
    }

    @Test(.timeLimit(.minutes(10))) func anExecutionOfAnUnknownSessionNeverStarted() async throws {
        let fixture = try await WorkerFixture()
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            try await dispatcher.send(.execute(SessionSpec.sample().execution(), attempt: 3))
            let loss = try await dispatcher.nextLoss()
            #expect(loss.neverStarted)
            #expect(loss.reference.attempt == 3)
            #expect(loss.problem.code == "session_not_on_node")
        }
    }

    @Test(.timeLimit(.minutes(10))) func theSameAttemptTwiceRunsOnce() async throws {
        let fixture = try await WorkerFixture()
        let runs = Locked(0)
        let runtime = ProgrammedRuntime { order, _ in
            runs.withLock { $0 += 1 }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            let execution = spec.execution()
            try await dispatcher.send(.execute(execution, attempt: 1), .execute(execution, attempt: 1))
            _ = try await dispatcher.nextEnd()
            try await dispatcher.send(.execute(execution, attempt: 1), .execute(execution, attempt: 2))
            #expect(try await dispatcher.nextEnd().reference.attempt == 2)
        }
        #expect(runs.withLock { $0 } == 2)
    }

    @Test(.timeLimit(.minutes(10))) func aRunningExecutionIsCancelled() async throws {
        let fixture = try await WorkerFixture()
        let started = Signal()
        let runtime = ProgrammedRuntime { order, sandbox in
            started.fire()
            try await sandbox.cancelled.wait()
            return ExecutionReport(id: order.id, outcome: .cancelled, stdout: .init(bytes: [65]))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            try await started.wait()
            // Attempt 0: whichever it is.
            try await dispatcher.send(.cancel(ExecutionReference(execution: ExecutionID("e1"), session: spec.id)))
            let ended = try await dispatcher.nextEnd()
            #expect(ended.outcome.status == .cancelled && ended.outcome.stdout == [65])
        }
    }

    @Test(.timeLimit(.minutes(10))) func anExecutionThatWaitsIsCancelledAndNeverStarts() async throws {
        let fixture = try await WorkerFixture()
        let gate = Signal()
        let ran = Locked<[String]>([])
        let runtime = ProgrammedRuntime(startGate: gate) { order, _ in
            ran.withLock { $0.append(order.id.rawValue) }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            try await dispatcher.send(
                .ensureSession(spec, container: nil),
                .execute(spec.execution("e1"), attempt: 1),
                .execute(spec.execution("e2"), attempt: 1),
                .cancel(ExecutionReference(execution: ExecutionID("e1"), session: spec.id, attempt: 1))
            )
            let first = try await dispatcher.nextEnd()
            #expect(first.reference.execution == ExecutionID("e1") && first.outcome.status == .cancelled)
            gate.fire()
            #expect(try await dispatcher.nextEnd().reference.execution == ExecutionID("e2"))
        }
        #expect(ran.withLock { $0 } == ["e2"])
    }

    @Test(.timeLimit(.minutes(10))) func anExecutionThatHadToWaitCanBeCancelledWhileItRuns() async throws {
        let fixture = try await WorkerFixture()
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime(startGate: gate) { order, _ in
            started.fire()
            // As a real sandbox does: a cancelled task cancels the order.
            do { try await Signal().wait() } catch { return ExecutionReport(id: order.id, outcome: .cancelled) }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let worker = try fixture.worker(runtime)
        try await fixture.run(worker) { dispatcher in
            let spec = SessionSpec.sample()
            try await dispatcher.send(.ensureSession(spec, container: nil), .execute(spec.execution(), attempt: 1))
            let key = AttemptKey(execution: ExecutionID("e1"), attempt: 1)
            try await until { worker.table.withLock { $0.orders[key]?.turn != nil } }
            gate.fire()
            try await started.wait()
            try await dispatcher.send(
                .cancel(ExecutionReference(execution: ExecutionID("e1"), session: spec.id, attempt: 1))
            )
            #expect(try await dispatcher.nextEnd().outcome.status == .cancelled)
        }
    }

    @Test(.timeLimit(.minutes(10))) func questionsAreAnsweredByWhatIsKnown() async throws {
        let fixture = try await WorkerFixture()
        let (gate, started) = (Signal(), Signal())
        let runtime = ProgrammedRuntime { order, _ in
            if order.id.rawValue == "running" {
                started.fire()
                try await gate.wait()
            }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        try await fixture.run(fixture.worker(runtime)) { dispatcher in
            let spec = SessionSpec.sample()
            _ = try await dispatcher.ready(spec)
            try await dispatcher.send(.execute(spec.execution("ended"), attempt: 1))
            _ = try await dispatcher.nextEnd()
            try await dispatcher.send(.execute(spec.execution("running"), attempt: 1))
            try await started.wait()
            let names = ["ended", "running", "unknown"]
            try await fixture.send(
                names.map { .resolve(ExecutionReference(execution: ExecutionID($0), session: spec.id, attempt: 1)) }
            )
            let loss = try await dispatcher.nextLoss()
            #expect(loss.reference.execution == ExecutionID("unknown") && !loss.neverStarted)
            gate.fire()
            #expect(try await dispatcher.nextEnd().reference.execution == ExecutionID("running"))
            // Cancelling what is unknown is answered as well; what has ended is not.
            try await fixture.send(
                ["ended", "gone"].map {
                    .cancel(ExecutionReference(execution: ExecutionID($0), session: spec.id, attempt: 1))
                }
            )
            #expect(try await dispatcher.nextLoss().reference.execution == ExecutionID("gone"))
        }
    }

    @Test(.timeLimit(.minutes(10))) func aRecordThatCannotBeReadIsPutAsideAndStopsNothing() async throws {
        let fixture = try await WorkerFixture()
        let letters = try await fixture.bus.subscribe(to: Topics.deadLetter, group: "test")
        try await fixture.run(fixture.worker(ProgrammedRuntime())) { dispatcher in
            try await fixture.bus.publish(
                OutgoingMessage(topic: Topics.node(fixture.node), key: "k", body: [0xff, 0xff])
            )
            _ = try await dispatcher.ready(.sample())
            let delivery = try #require(try await letters.next(upTo: 1).first)
            let letter = try DeadLetter(decoding: delivery.body ?? [])
            #expect(letter.topic == Topics.node(fixture.node) && letter.body == [0xff, 0xff] && delivery.key == "k")
            #expect(!letter.reason.isEmpty)
        }
        await letters.close()
    }
}
