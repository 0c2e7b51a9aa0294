import Messages
import Testing

@testable import Dispatcher

@Suite struct ReconciliationTests {
    @Test func whatANodeLostIsAskedForAgainOverItsFiles() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a")))
        try harness.command(.submit(harness.execution("b")))
        harness.sent = []
        try harness.report([])
        let ensure = NodeCommand.ensureSession(
            try #require(harness.session("s")?.spec),
            container: ContainerID("c-s-1")
        )
        let reference = ExecutionReference(execution: ExecutionID("a"), session: SessionID("s"), attempt: 1)
        #expect(harness.sent.contains(ensure))
        #expect(harness.sent.contains(.resolve(reference)))
        // Nothing goes to a sandbox that is not there.
        try harness.lost("a")
        #expect(harness.status("a") == .crashed)
        #expect(harness.executed.isEmpty)
        try harness.ready("s")
        #expect(harness.executed == ["b"])
        #expect(harness.session("s")?.container == ContainerID("c-s-1"))
    }

    @Test func whatANodeHasIsLeftAlone() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a")))
        harness.sent = []
        try harness.report(["s"], executions: ["a"])
        #expect(harness.sent.isEmpty)
    }

    @Test func whatNobodyKnowsIsEnded() throws {
        var harness = try DispatcherHarness.running()
        try harness.report(["s", "stranger"])
        let reference = SessionReference(session: SessionID("stranger"), incarnation: Incarnation("1"))
        #expect(harness.sent == [.endSession(reference)])
    }

    @Test func aReconciliationIsAnsweredWhenTheNodeHasReported() throws {
        var harness = try DispatcherHarness.running()
        #expect(try harness.command(.reconcile) == nil)
        #expect(harness.sent == [.report])
        try harness.report([])
        let decision = try #require(harness.decisions.last)
        #expect(decision.findings["sandboxes_requested"] == 1)
        #expect(decision.findings["sessions"] == 1)
        try harness.report([])
        #expect(harness.decisions.count == 1)
    }

    @Test func withoutNodesThereIsNothingToWaitFor() throws {
        var harness = DispatcherHarness()
        #expect(try harness.command(.reconcile)?.findings == ["nodes": 0])
    }

    @Test func idleAndOldSessionsEndWhereThatIsConfigured() throws {
        for settings in [
            DispatcherSettings(idleThreshold: .seconds(60)), DispatcherSettings(maxLifetime: .seconds(60)),
        ] {
            var harness = try DispatcherHarness.running(settings: settings)
            harness.now = harness.now + .seconds(59)
            try harness.expire()
            #expect(harness.session("s")?.status == .running)
            harness.now = harness.now + .seconds(2)
            try harness.expire()
            #expect(harness.session("s")?.status == .timeout)
        }
    }

    @Test func byDefaultNothingExpires() throws {
        var harness = try DispatcherHarness.running()
        harness.now = harness.now + .seconds(365 * 86_400)
        try harness.expire()
        #expect(harness.session("s")?.status == .running)
    }

    @Test func aSessionWithWorkIsNotIdle() throws {
        var harness = try DispatcherHarness.running(settings: DispatcherSettings(idleThreshold: .seconds(60)))
        try harness.command(.submit(harness.execution("a")))
        harness.now = harness.now + .seconds(120)
        try harness.expire()
        #expect(harness.session("s")?.status == .running)
    }

    @Test func aSessionStuckInCreationFails() throws {
        var harness = DispatcherHarness()
        try harness.command(.createSession(harness.spec("s")))
        harness.now = harness.now + .seconds(301)
        try harness.expire()
        #expect(harness.session("s")?.problem?.code == "creating_timeout")
    }

    @Test func anExecutionThatIsOverdueIsAskedFor() throws {
        var harness = try DispatcherHarness.running()
        try harness.command(.submit(harness.execution("a")))
        harness.sent = []
        harness.now = harness.now + .seconds(39)
        try harness.expire()
        #expect(harness.sent.isEmpty)
        harness.now = harness.now + .seconds(2)
        try harness.expire()
        let reference = ExecutionReference(execution: ExecutionID("a"), session: SessionID("s"), attempt: 1)
        #expect(harness.sent == [.resolve(reference)])
    }
}
