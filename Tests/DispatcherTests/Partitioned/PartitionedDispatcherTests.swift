import MessageBus
import Messages
import ServiceKit
import TestKit
import Testing

@testable import Dispatcher

@Suite struct PartitionedDispatcherTests {
    private static let all = Array(0..<ClusterHarness.partitions)

    /// Made now: one that is as old as the harness is overdue at once.
    private static let now = DispatcherHarness(now: .now())

    private static func spec(_ session: String) -> SessionSpec { Self.now.spec(session) }

    private static func execution(_ id: String, _ session: String) -> Messages.Command {
        .submit(Self.now.execution(id, session))
    }

    private static func submit(_ count: Int, to sessions: [String], _ harness: ClusterHarness) async throws
        -> [ExecutionID]
    {
        var ids: [ExecutionID] = []
        for number in 0..<count {
            let id = "execution-\(number)"
            try await harness.command(Self.execution(id, sessions[number % sessions.count]))
            ids.append(ExecutionID(id))
        }
        return ids
    }

    @Test(.timeLimit(.minutes(10))) func aNewInstallationHasItsTemplateOnce() async throws {
        try await ClusterHarness.run("templates") { harness in
            let first = try harness.dispatcher("a")
            try await first.member.grant(Self.all)
            try await harness.view.wait { !$0.templates.isEmpty && $0.checkpoints.count == Self.all.count }
            // Deleted, it does not come back with the next owner.
            try await harness.command(.deleteTemplate(TemplateID("python-basic")))
            let partition = Partitioner.partition(of: Topics.templatesKey, count: ClusterHarness.partitions)
            try await harness.view.wait { $0.checkpoints[partition]?.commands == 1 }
            let before = harness.view.content.claims
            await first.kill()
            let second = try harness.dispatcher("a")
            try await second.member.grant(Self.all)
            try await harness.view.wait { $0.claims.allSatisfy { $0.value > before[$0.key] ?? 0 } }
            try await harness.command(.createTemplate(.sample("python-basic")))
            try await harness.view.wait { $0.checkpoints[partition]?.commands == 2 }
            #expect(harness.view.content.templates[TemplateID("python-basic")]?.name == "python-basic")
            await second.kill()
        }
    }

    @Test(.timeLimit(.minutes(10))) func everyExecutionEndsOnceHoweverOftenOwnersAreKilled() async throws {
        try await ClusterHarness.run("kills") { harness in
            var owner = try harness.dispatcher("a")
            try await owner.member.grant(Self.all)
            let sessions = ClusterHarness.sessions(8)
            for session in sessions { try await harness.command(.createSession(Self.spec(session))) }
            let ids = try await Self.submit(400, to: sessions, harness)
            for round in 1...10 {
                // At another place of the work each time.
                try await harness.node.wait { $0.count >= round * 35 }
                await owner.kill()
                owner = try harness.dispatcher("a")
                try await owner.member.grant(Self.all)
            }
            try await harness.view.wait { content in
                ids.allSatisfy { content.executions[$0]?.status.isTerminal == true }
            }
            let content = harness.view.content
            #expect(content.ends.count == ids.count)
            #expect(content.ends.values.allSatisfy { $0 == [.completed] })
            // None began twice.
            #expect(harness.node.begun.values.allSatisfy { $0.count == 1 })
            await owner.kill()
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatAPausedOwnerWritesLaterIsVoid() async throws {
        try await ClusterHarness.run("paused") { harness in
            let (first, second) = (try harness.dispatcher("a"), try harness.dispatcher("b"))
            try await first.member.grant(Self.all)
            let session = "session-0"
            let partition = ClusterHarness.partition(of: session)
            try await harness.command(.createSession(Self.spec(session)))
            try await harness.view.wait { $0.sessions[SessionID(session)]?.status == .running }
            // It decides on an execution, and nothing of that reaches the log before somebody else owns the partition.
            first.member.cutOff()
            try await harness.command(Self.execution("late", session))
            try await first.member.waitUntilHeld()
            try await first.member.lose([partition])
            try await second.member.grant([partition])
            try await harness.view.wait { $0.executions[ExecutionID("late")]?.status == .completed }
            first.member.reconnect()
            let other = try #require(
                ClusterHarness.sessions(20).first { ClusterHarness.partition(of: $0) != partition }
            )
            // It goes on with what is still its own, behind what it had to say before.
            try await harness.command(.createSession(Self.spec(other)))
            try await harness.view.wait { $0.sessions[SessionID(other)]?.status == .running }
            let content = harness.view.content
            #expect(content.executions[ExecutionID("late")]?.status == .completed)
            #expect(content.ends[ExecutionID("late")] == [.completed])
            #expect(harness.node.begun[ExecutionID("late")] == [1])
            #expect(!content.void.isEmpty || harness.node.void > 0)
            await first.kill()
            await second.kill()
        }
    }

    @Test(.timeLimit(.minutes(10))) func partitionsAreHandedOverBetweenTwoWords() async throws {
        try await ClusterHarness.run("handover") { harness in
            let (first, second) = (try harness.dispatcher("a"), try harness.dispatcher("b"))
            try await first.member.grant(Self.all)
            let sessions = ClusterHarness.sessions(8)
            for session in sessions { try await harness.command(.createSession(Self.spec(session))) }
            let ids = try await Self.submit(200, to: sessions, harness)
            for round in 0..<6 {
                try await harness.node.wait { $0.count >= round * 30 }
                let (from, to) = round % 2 == 0 ? (first, second) : (second, first)
                try await from.member.revoke(Self.all)
                try await to.member.grant(Self.all)
            }
            try await harness.view.wait { content in
                ids.allSatisfy { content.executions[$0]?.status.isTerminal == true }
            }
            #expect(harness.view.content.ends.values.allSatisfy { $0 == [.completed] })
            #expect(harness.view.content.void.isEmpty)
            #expect(harness.node.begun.values.allSatisfy { $0 == [1] })
            await first.kill()
            await second.kill()
        }
    }

    @Test(.timeLimit(.minutes(10))) func aNewOwnerLetsWhatRunsRun() async throws {
        try await ClusterHarness.run("running") { harness in
            let first = try harness.dispatcher("a")
            try await first.member.grant(Self.all)
            try await harness.command(.createSession(Self.spec("session-0")))
            harness.node.hold()
            try await harness.command(Self.execution("long", "session-0"))
            try await harness.node.wait { $0[ExecutionID("long")] != nil }
            await first.kill()
            let before = harness.view.content.claims
            let second = try harness.dispatcher("b")
            try await second.member.grant(Self.all)
            try await harness.view.wait { content in before.allSatisfy { content.claims[$0.key] ?? 0 > $0.value } }
            try await harness.node.finish()
            try await harness.view.wait { $0.executions[ExecutionID("long")]?.status == .completed }
            #expect(harness.node.begun[ExecutionID("long")] == [1])
            await second.kill()
        }
    }

    @Test(.timeLimit(.minutes(10))) func aClaimBehindTheOwnersBackIsAnsweredByAnother() async throws {
        try await ClusterHarness.run("contest") { harness in
            let owner = try harness.dispatcher("a")
            try await owner.member.grant(Self.all)
            let session = "session-0"
            let partition = ClusterHarness.partition(of: session)
            try await harness.command(.createSession(Self.spec(session)))
            try await harness.view.wait { $0.sessions[SessionID(session)]?.status == .running }
            let own = try #require(harness.view.content.claims[partition])
            // Somebody who had lost the partition wakes up and claims it.
            let claim = StateRecord.claim(Claim(partition: partition, owner: "ghost"))
            try await harness.log.publish(
                OutgoingMessage(
                    topic: Topics.state,
                    key: claim.key.text,
                    partition: partition,
                    body: Envelope(at: .now(), claim).encoded()
                )
            )
            try await harness.view.wait { $0.claims[partition] ?? 0 > own }
            try await harness.command(Self.execution("unseen", session))
            try await harness.view.wait { $0.void.contains(.execution(ExecutionID("unseen"))) }
            // A gateway says what it found.
            let ghost = try #require(harness.view.content.claims[partition])
            try await harness.command(
                .restate(.execution(ExecutionID("unseen")), epoch: ghost),
                partition: partition
            )
            try await harness.view.wait { $0.claims[partition] ?? 0 > ghost }
            // What the owner wrote until it knew of its new claim is void too, and is asked for as often as it is found.
            let id = ExecutionID("unseen")
            while harness.view.content.executions[id]?.status != .completed {
                let found = harness.view.content.void.count { $0 == .execution(id) }
                try await harness.command(.restate(.execution(id), epoch: ghost), partition: partition)
                try await harness.view.wait { content in
                    content.executions[id]?.status == .completed
                        || content.void.count { $0 == .execution(id) } > found
                }
            }
            await owner.kill()
        }
    }
}

extension Template {
    fileprivate static func sample(_ id: String) -> Template {
        Template(
            id: TemplateID(id),
            name: id,
            imageURL: "i",
            runtime: .python311,
            createdAt: .now(),
            updatedAt: .now()
        )
    }
}
