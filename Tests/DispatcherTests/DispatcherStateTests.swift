import Messages
import Testing

@testable import Dispatcher

@Suite struct DispatcherStateTests {
    @Test func executionsOfASessionRunOneAtATimeInOrder() throws {
        var harness = try DispatcherHarness.running()
        for id in ["a", "b", "c"] { try harness.command(.submit(harness.execution(id))) }
        #expect(harness.executed == ["a"])
        #expect(harness.status("b") == .pending)
        try harness.ended("a")
        #expect(harness.executed == ["a", "b"])
        try harness.ended("b", .failed)
        try harness.ended("c")
        #expect(harness.executed == ["a", "b", "c"])
        #expect(
            harness.ends == [
                ExecutionID("a"): [.completed], ExecutionID("b"): [.failed], ExecutionID("c"): [.completed],
            ]
        )
        #expect(harness.session("s")?.status == .running)
    }

    @Test func aLongQueueKeepsItsOrderAndReadsItsCodeBack() throws {
        var harness = try DispatcherHarness.running()
        let ids = (0..<200).map { "e\($0)" }
        for id in ids { try harness.command(.submit(harness.execution(id))) }
        #expect(harness.state.executions.values.count { $0.spec != nil } <= DispatcherState.specsKept + 1)
        for id in ids { try harness.ended(id) }
        #expect(harness.executed == ids)
        let codes = harness.sent.compactMap { if case .execute(let spec, _) = $0 { spec.code } else { nil } }
        #expect(codes == ids.map { "code of \($0)" })
    }

    @Test func executionsOfASessionInCreationWaitForItsSandbox() throws {
        var harness = DispatcherHarness()
        try harness.report([])
        try harness.command(.createSession(harness.spec("s")))
        try harness.command(.submit(harness.execution("a")))
        #expect(harness.executed.isEmpty)
        try harness.ready("s")
        #expect(harness.executed == ["a"])
    }

    @Test func aTerminalStatusNeverChanges() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a")))
        try harness.ended("a")
        try harness.ended("a", .failed)
        try harness.lost("a")
        try harness.command(.cancel(ExecutionReference(execution: ExecutionID("a"), session: SessionID("s"))))
        try harness.command(.submit(harness.execution("a")))
        #expect(harness.ends[ExecutionID("a")] == [.completed])
        #expect(harness.executed == ["a"])
    }

    @Test func anAttemptThatLostItsPlaceCannotReport() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a", retries: 1)))
        try harness.lost("a")
        try harness.ended("a", .failed, attempt: 1)
        #expect(harness.status("a") == .running)
        try harness.ended("a", attempt: 2)
        #expect(harness.ends[ExecutionID("a")] == [.completed])
        #expect(harness.store.executions[ExecutionID("a")]?.attempt == 2)
    }

    @Test(arguments: [(0, false, ExecutionStatus.crashed), (1, false, .running), (0, true, .pending)])
    func aLostExecutionStartsAgainOnlyIfItMay(_ retries: Int, _ neverStarted: Bool, _ status: ExecutionStatus) throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a", retries: retries)))
        try harness.lost("a", neverStarted: neverStarted)
        #expect(harness.status("a") == status)
        // Of a session that its node does not have, the sandbox comes first.
        if neverStarted {
            try harness.ready("s")
            #expect(harness.status("a") == .running)
        }
    }

    @Test func aLostExecutionGoesBackToTheHeadOfItsQueue() throws {
        var harness = try DispatcherHarness.running()
        for id in ["a", "b"] { try harness.command(.submit(harness.execution(id, retries: 1))) }
        try harness.lost("a")
        try harness.ended("a", attempt: 2)
        try harness.ended("b")
        #expect(harness.executed == ["a", "a", "b"])
    }

    @Test func cancellingWhatWaitsEndsItAtOnceAndWhatRunsOnItsNode() throws {
        var harness = try DispatcherHarness.running()
        for id in ["a", "b"] { try harness.command(.submit(harness.execution(id))) }
        func reference(_ id: String) -> ExecutionReference {
            ExecutionReference(execution: ExecutionID(id), session: SessionID("s"))
        }
        #expect(try harness.command(.cancel(reference("b")))?.problem == nil)
        #expect(harness.status("b") == .cancelled)
        #expect(try harness.command(.cancel(reference("a")))?.problem == nil)
        #expect(harness.status("a") == .running)
        #expect(
            harness.sent.contains(
                .cancel(ExecutionReference(execution: ExecutionID("a"), session: SessionID("s"), attempt: 1))
            )
        )
        try harness.ended("a", .cancelled)
        #expect(harness.status("a") == .cancelled)
        #expect(try harness.command(.cancel(reference("x")))?.problem?.code == "execution_not_found")
    }

    @Test func terminatingASessionEndsEverythingInIt() throws {
        var harness = try DispatcherHarness.running()
        for id in ["a", "b"] { try harness.command(.submit(harness.execution(id))) }
        #expect(try harness.command(.terminateSession(SessionID("s")))?.problem == nil)
        #expect(harness.session("s")?.status == .terminated)
        #expect(harness.status("a") == .cancelled)
        #expect(harness.status("b") == .cancelled)
        #expect(harness.sent.contains { if case .endSession = $0 { true } else { false } })
        #expect(harness.state.executions.isEmpty)
        #expect(harness.state.placement.nodes[DispatcherHarness.node]?.sessions == 0)
        #expect(try harness.command(.terminateSession(SessionID("s")))?.problem == nil)
        // Accepted just before the session ended: it gets its end too.
        try harness.command(.submit(harness.execution("late")))
        #expect(harness.status("late") == .cancelled)
    }

    @Test func aDeletedIdIsFreeAgainAndItsPredecessorCannotSpeakForIt() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a")))
        #expect(try harness.command(.deleteSession(SessionID("s")))?.problem == nil)
        #expect(harness.session("s") == nil)
        #expect(harness.status("a") == nil)
        #expect(try harness.command(.deleteSession(SessionID("s")))?.problem?.code == "session_not_found")
        #expect(try harness.command(.createSession(harness.spec("s", incarnation: "2")))?.problem == nil)
        try harness.ready("s", incarnation: "1")
        #expect(harness.session("s")?.status == .creating)
        try harness.ready("s", incarnation: "2")
        #expect(harness.session("s")?.status == .running)
        try harness.command(.submit(harness.execution("old", incarnation: "1")))
        #expect(harness.status("old") == nil)
    }

    @Test func anIdThatIsTakenIsRefused() throws {
        var harness = try DispatcherHarness.running()
        #expect(try harness.command(.createSession(harness.spec("s")))?.problem?.code == "session_exists")
        try harness.command(.terminateSession(SessionID("s")))
        #expect(try harness.command(.createSession(harness.spec("s")))?.problem?.code == "session_exists")
    }

    @Test func templatesKeepIdsAndNamesApart() throws {
        var harness = DispatcherHarness()
        func template(_ id: String, _ name: String) -> Template {
            Template(
                id: TemplateID(id),
                name: name,
                imageURL: "i",
                runtime: .python311,
                createdAt: harness.now,
                updatedAt: harness.now
            )
        }
        #expect(try harness.command(.createTemplate(template("a", "A")))?.problem == nil)
        #expect(try harness.command(.createTemplate(template("a", "B")))?.problem?.code == "template_exists")
        #expect(try harness.command(.createTemplate(template("b", "A")))?.problem?.code == "template_name_taken")
        #expect(try harness.command(.createTemplate(template("b", "B")))?.problem == nil)
        var change = TemplateChange(id: TemplateID("b"))
        change.name = "A"
        #expect(try harness.command(.updateTemplate(change))?.problem?.code == "template_name_taken")
        #expect(try harness.command(.deleteTemplate(TemplateID("a")))?.problem == nil)
        #expect(try harness.command(.updateTemplate(change))?.problem == nil)
        #expect(try harness.command(.deleteTemplate(TemplateID("a")))?.problem?.code == "template_not_found")
    }

    @Test func aSessionWithoutANodeWaitsForOne() throws {
        var harness = DispatcherHarness()
        for id in ["a", "b", "c"] { try harness.command(.createSession(harness.spec(id))) }
        #expect(harness.sent.isEmpty)
        try harness.report([], capacity: 2)
        #expect(harness.sent.count == 2)
        try harness.command(.terminateSession(SessionID("a")))
        #expect(harness.session("c")?.node == DispatcherHarness.node)
    }

    @Test func aSandboxThatCannotBeHadFailsItsSession() throws {
        var harness = DispatcherHarness()
        try harness.report([])
        try harness.command(.createSession(harness.spec("s")))
        try harness.command(.submit(harness.execution("a")))
        let reference = SessionReference(session: SessionID("s"), incarnation: Incarnation("1"))
        try harness.event(.sessionFailed(reference, Problem("unknown_image", "no image 'i'")))
        #expect(harness.session("s")?.status == .failed)
        #expect(harness.session("s")?.problem?.code == "unknown_image")
        #expect(harness.status("a") == .cancelled)
    }

    @Test func aSandboxThatIsReadyTooLateIsRemoved() throws {
        var harness = DispatcherHarness()
        try harness.report([])
        try harness.command(.createSession(harness.spec("s")))
        try harness.command(.deleteSession(SessionID("s")))
        harness.sent = []
        try harness.ready("s")
        #expect(harness.sent.contains { if case .endSession = $0 { true } else { false } })
    }
}
