import Messages
import Testing

@testable import Dispatcher

@Suite struct NodeTests {
    private static func heartbeat(
        _ node: String,
        capacity: Int = 4,
        sessions: Int = 0,
        images: [String] = [],
        warm: [String: Int] = [:],
        isDraining: Bool = false,
        isStopping: Bool = false,
        boot: String = "b1"
    ) -> Event {
        .nodeHeartbeat(
            NodeHeartbeat(
                node: NodeID(node),
                boot: Incarnation(boot),
                capacity: capacity,
                sessions: sessions,
                images: images,
                warm: warm,
                isDraining: isDraining,
                isStopping: isStopping
            )
        )
    }

    private static func placed(_ session: String, in harness: DispatcherHarness) -> String? {
        harness.store.sessions[SessionID(session)]?.node?.rawValue
    }

    /// Gives up every node that was not heard of in the last six seconds.
    private static func expire(_ harness: inout DispatcherHarness) throws {
        let since = harness.now + .seconds(-6)
        harness.carryOut(try harness.state.expire(now: harness.now, silentSince: since, lookup: harness.store))
    }

    @Test(
        arguments: [
            (
                "a warm sandbox wins",
                [heartbeat("a", sessions: 0, images: ["i"]), heartbeat("b", sessions: 3, warm: ["i": 1])], "b"
            ),
            ("then the image", [heartbeat("a", sessions: 0), heartbeat("b", sessions: 3, images: ["i"])], "b"),
            (
                "then the larger free share", [heartbeat("a", sessions: 2), heartbeat("b", capacity: 10, sessions: 4)],
                "b"
            ),
            ("then the name", [heartbeat("b"), heartbeat("a")], "a"),
            (
                "a full one gets nothing", [heartbeat("a", sessions: 4, warm: ["i": 2]), heartbeat("b", sessions: 3)],
                "b"
            ),
            ("nor one that drains", [heartbeat("a", isDraining: true), heartbeat("b", sessions: 3)], "b"),
            ("nor one that stops", [heartbeat("a", isStopping: true), heartbeat("b", sessions: 3)], "b"),
        ] as [(String, [Event], String)]
    )
    func placesWhereItIsBest(rule: String, heartbeats: [Event], node: String) throws {
        var harness = DispatcherHarness()
        for heartbeat in heartbeats { try harness.event(heartbeat) }
        try harness.command(.createSession(harness.spec("s")))
        #expect(Self.placed("s", in: harness) == node, "\(rule)")
    }

    @Test func aWarmSandboxIsCountedOnce() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("a", warm: ["i": 1]))
        try harness.event(Self.heartbeat("b", capacity: 100))
        for session in ["s1", "s2"] { try harness.command(.createSession(harness.spec(session))) }
        #expect(Self.placed("s1", in: harness) == "a")
        #expect(Self.placed("s2", in: harness) == "b")
    }

    @Test func aNodeWithoutRoomIsFollowedByAnother() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("a"))
        try harness.event(Self.heartbeat("b", sessions: 2))
        try harness.command(.createSession(harness.spec("s")))
        let reference = SessionReference(session: SessionID("s"), incarnation: Incarnation("1"), container: nil)
        let refusal = Event.sessionFailed(reference, Problem("no_capacity", "full"))
        try harness.event(refusal)
        #expect(Self.placed("s", in: harness) == "b")
        try harness.event(refusal)
        #expect(harness.store.sessions[SessionID("s")]?.status == .creating)
        #expect(Self.placed("s", in: harness) == nil)
        // As soon as one says that it has room.
        try harness.event(Self.heartbeat("b", sessions: 1))
        #expect(Self.placed("s", in: harness) == "b")
    }

    @Test func aLostNodesSessionsFailAndItsExecutionsCrash() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("n1"))
        try harness.command(.createSession(harness.spec("s")))
        try harness.ready("s")
        for id in ["runs", "waits"] { try harness.command(.submit(harness.execution(id, retries: 3))) }
        harness.now = harness.now + .seconds(5)
        try Self.expire(&harness)
        #expect(harness.ends.isEmpty)
        harness.now = harness.now + .seconds(2)
        try Self.expire(&harness)
        #expect(harness.ends == [ExecutionID("runs"): [.crashed], ExecutionID("waits"): [.cancelled]])
        #expect(harness.store.sessions[SessionID("s")]?.status == .failed)
        #expect(harness.store.sessions[SessionID("s")]?.problem?.code == "node_lost")
        #expect(harness.state.placement.nodes[NodeID("n1")]?.availability == .lost)
        // Back again, it is asked what it has, and told that the session is over.
        harness.sent = []
        try harness.event(Self.heartbeat("n1"))
        #expect(harness.sent == [.report])
        #expect(harness.state.placement.nodes[NodeID("n1")]?.availability == .ready)
    }

    @Test func whatHadYetToStartOnALostNodeStartsOnAnother() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("a"))
        try harness.command(.createSession(harness.spec("s")))
        try harness.command(.submit(harness.execution("e")))
        harness.now = harness.now + .seconds(7)
        try harness.event(Self.heartbeat("b"))
        try Self.expire(&harness)
        #expect(Self.placed("s", in: harness) == "b")
        #expect(harness.store.executions[ExecutionID("e")]?.status == .pending)
    }

    @Test func aNodeThatHasSaidThatItStopsIsGivenTimeToComeBack() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("n1"))
        try harness.command(.createSession(harness.spec("s")))
        try harness.ready("s")
        try harness.event(Self.heartbeat("n1", isStopping: true))
        harness.now = harness.now + .seconds(60)
        try Self.expire(&harness)
        #expect(harness.store.sessions[SessionID("s")]?.status == .running)
        harness.sent = []
        try harness.event(Self.heartbeat("n1", boot: "b2"))
        #expect(harness.sent == [.report])
        try harness.event(Self.heartbeat("n1", isStopping: true, boot: "b2"))
        harness.now = harness.now + .seconds(130)
        try Self.expire(&harness)
        #expect(harness.store.sessions[SessionID("s")]?.status == .failed)
    }

    /// Several partitions of one dispatcher hear the same; one of them tells the gateways.
    @Test func gatewaysAreToldOfANodeOnce() throws {
        var harness = DispatcherHarness()
        harness.state.partitions = 8
        let beats = [Self.heartbeat("n1"), Self.heartbeat("n1"), Self.heartbeat("n1", sessions: 1)]
        let told = try beats.map { beat in
            try (0..<8).flatMap { partition in
                try harness.state.apply(Envelope(at: harness.now, beat), partition: partition, lookup: harness.store)
            }.compactMap { action -> Int? in
                if case .save(.node(let node), let partition) = action, partition == 6 {
                    node.heartbeat.sessions
                } else {
                    nil
                }
            }
        }
        #expect(told == [[0], [], [1]])
    }

    @Test func aDrainIsPassedOnToTheNode() throws {
        var harness = DispatcherHarness()
        try harness.event(Self.heartbeat("n1"))
        #expect(try harness.command(.drainNode(NodeID("n1"), isDraining: true))?.problem == nil)
        #expect(harness.sent == [.drain(true)])
        let unknown = try harness.command(.drainNode(NodeID("n2"), isDraining: true))
        #expect(unknown?.problem?.code == "node_not_found")
    }
}
