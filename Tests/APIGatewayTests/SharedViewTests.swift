import Coordination
import MessageBus
import Messages
import ServiceKit
import Testing

@testable import APIGateway

/// Two gateways that follow the same log at their own pace.
@Suite struct SharedViewTests {
    @Test(.timeLimit(.minutes(10))) func anEndThatOneHasFollowedIsKnownToTheOther() async throws {
        try await Views.run { views in
            try await views.publish(.execution("e", .completed, version: 2))
            try await views.first.follow(1)
            // Nobody was told: it can be unknown there. Whoever is told here finds it there.
            #expect(!views.first.shared.isFinal(.execution(ExecutionID("e"))))
            await views.first.shared.show([ExecutionID("e")])
            #expect(views.first.shared.isFinal(.execution(ExecutionID("e"))))
            #expect(try views.second.model.execution(ExecutionID("e")) == nil)
            try await views.second.shared.refresh(.execution(ExecutionID("e")))
            #expect(try views.second.model.execution(ExecutionID("e"))?.status == .completed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anEndThatIsReadHereIsKnownThere() async throws {
        try await Views.run { views in
            try await views.publish(.execution("e", .completed, version: 2))
            try await views.first.follow(1)
            try await views.first.shared.refresh(.execution(ExecutionID("e")))
            #expect(views.first.shared.isFinal(.execution(ExecutionID("e"))))
            try await views.second.shared.refresh(.execution(ExecutionID("e")))
            #expect(try views.second.model.execution(ExecutionID("e"))?.status == .completed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anEndThatComesWhileItIsShownIsShownTheNextTime() async throws {
        try await Views.run { views in
            let id = ExecutionID("e")
            try await views.publish(.execution("e", .running, version: 1))
            try await views.first.follow(1)
            views.first.shared.keep(id)
            // A list shows it as it goes on.
            await views.first.shared.show([id])
            try await views.publish(.execution("e", .completed, version: 2))
            try await views.first.follow(1)
            #expect(!views.first.shared.isFinal(.execution(id)))
            await views.first.shared.show([id])
            try await views.second.shared.refresh(.execution(id))
            #expect(try views.second.model.execution(id)?.status == .completed)
        }
    }

    @Test func whatWasNotShownIsForgottenAfterAWhile() {
        var unshown = UnshownExecutions(lifetime: .seconds(60))
        let start = ContinuousClock.now
        let (a, b) = (ExecutionID("a"), ExecutionID("b"))
        unshown.insert(a, now: start)
        unshown.insert(b, now: start)
        // It was accepted, and now it has ended.
        unshown.insert(b, now: start + .seconds(59))
        #expect(unshown.contains(a) && unshown.contains(b))
        unshown.insert(ExecutionID("c"), now: start + .seconds(60))
        #expect(!unshown.contains(a) && unshown.contains(b))
        unshown.remove(b)
        #expect(!unshown.contains(b))
    }

    @Test(.timeLimit(.minutes(10))) func whatOneHasShownOnItsWayTheOtherShowsToo() async throws {
        try await Views.run { views in
            let key = StateKey.execution(ExecutionID("e"))
            try await views.publish(.execution("e", .running, version: 1))
            try await views.first.follow(1)
            // Shown: then it must be known elsewhere.
            try await views.first.shared.refresh(key)
            try await views.second.shared.refresh(key)
            #expect(try views.second.model.execution(ExecutionID("e"))?.status == .running)
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatWasAcceptedHereIsKnownThereBeforeAnybodyDecides() async throws {
        try await Views.run { views in
            guard case .execution(let accepted) = StateRecord.execution("e", .pending, version: 0) else { return }
            await views.first.shared.share(accepted)
            try await views.second.shared.refresh(.execution(ExecutionID("e")))
            #expect(try views.second.model.execution(ExecutionID("e"))?.status == .pending)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anOlderRecordReplacesNothing() async throws {
        try await Views.run { views in
            guard case .execution(let old) = StateRecord.execution("e", .pending, version: 0) else { return }
            await views.second.shared.share(old)
            try await views.publish(.execution("e", .completed, version: 2))
            try await views.first.follow(1)
            try await views.first.shared.refresh(.execution(ExecutionID("e")))
            #expect(try views.first.model.execution(ExecutionID("e"))?.status == .completed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aDeletionIsWaitedForWhereItIsYetToCome() async throws {
        try await Views.run { views in
            let key = StateKey.execution(ExecutionID("e"))
            try await views.publish(.execution("e", .running, version: 1))
            try await views.first.follow(1)
            try await views.second.follow(1)
            try await views.publish(nil, key)
            try await views.first.follow(1)
            let refreshing = Task { try await views.second.shared.refresh(key) }
            try await views.second.follow(1)
            try await refreshing.value
            #expect(try views.second.model.execution(ExecutionID("e")) == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func withoutTheCacheTheLogIsFollowedToItsEnd() async throws {
        try await Views.run(isCacheGone: true) { views in
            try await views.publish(.execution("e", .completed, version: 2))
            let refreshing = Task { try await views.second.shared.refresh(.execution(ExecutionID("e"))) }
            try await views.second.follow(1)
            try await refreshing.value
            #expect(try views.second.model.execution(ExecutionID("e"))?.status == .completed)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func whatMayHaveBeenAcceptedElsewhereIsNotCalledUnknown(isCacheGone: Bool) async throws {
        try await Views.run(isCacheGone: isCacheGone) { views in
            let id = ExecutionID.make()
            // The first has accepted it, and then the cache was emptied.
            let error = await #expect(throws: APIError.self) {
                try await views.second.shared.refresh(.execution(id))
            }
            #expect(error?.status == 503 && error?.code == "execution_not_known_yet" && error?.isRetriable == true)
            try await views.publish(.execution(id.rawValue, .pending, version: 0))
            let refreshing = Task { try await views.second.shared.refresh(.execution(id)) }
            try await views.second.follow(1)
            try await refreshing.value
            #expect(try views.second.model.execution(id)?.status == .pending)
        }
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            StateKey.execution(ExecutionID("none")), .execution(ExecutionID("exec_00000000000000000000000")),
            .execution(ExecutionID("exec_0zzzzzzzzzzzz0000000000")), .execution(ExecutionID(SessionID.make().rawValue)),
            .session(SessionID.make()),
            .template(TemplateID("t")),
        ]
    )
    func whatNobodyCanHaveAcceptedIsUnknown(_ key: StateKey) async throws {
        for isCacheGone in [false, true] {
            try await Views.run(isCacheGone: isCacheGone) { try await $0.second.shared.refresh(key) }
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatWasDeletedIsGoneHoweverNewItsIdIs() async throws {
        try await Views.run { views in
            let id = ExecutionID.make()
            try await views.publish(.execution(id.rawValue, .completed, version: 2))
            try await views.publish(nil, .execution(id))
            for view in [views.first, views.second] { try await view.follow(2) }
            try await views.second.shared.refresh(.execution(id))
            #expect(try views.second.model.execution(id) == nil)
        }
    }
}

/// Two views of one log.
private struct Views {
    struct View {
        let model: ReadModel
        let shared: SharedView
        let follower: any MessageFollower

        /// Takes the next records of the log as a gateway does.
        func follow(_ count: Int) async throws {
            var taken = 0
            while taken < count {
                let deliveries = try await self.follower.next(upTo: count - taken)
                let changes = deliveries.map { self.model.decode($0) }
                await self.shared.share(changes, deliveries)
                self.model.receive(changes)
                taken += deliveries.count
            }
        }
    }

    let bus: EmbeddedBus
    let first: View
    let second: View

    static func run(
        isCacheGone: Bool = false,
        _ body: @Sendable (Views) async throws -> Void
    ) async throws {
        let folder = try GatewayFixture.makeFolder()
        defer { GatewayFixture.remove(folder) }
        let bus = try await EmbeddedBus.open(path: folder + "/log.db")
        try await bus.ensureTopics([TopicConfiguration(name: Topics.state, partitions: 1, isCompacted: true)])
        let statuses: any StatusCache = isCacheGone ? NoCache() : InMemoryCoordination().statuses
        let views = Views(
            bus: bus,
            first: try await Self.view(bus, folder + "/first.db", statuses),
            second: try await Self.view(bus, folder + "/second.db", statuses)
        )
        try await body(views)
        for view in [views.first, views.second] {
            await view.follower.close()
            await view.model.close()
        }
        await bus.close()
    }

    private static func view(_ bus: EmbeddedBus, _ path: String, _ statuses: any StatusCache) async throws -> View {
        let model = try ReadModel(
            path: path,
            cacheBytes: 1 << 20,
            documents: Documents(packageIndexURL: "https://example.org"),
            logger: .disabled
        )
        _ = try await model.open(ends: [0], oldest: Timestamp(microseconds: 0))
        return View(
            model: model,
            shared: SharedView(statuses: statuses, model: model, bus: bus, logger: .disabled),
            follower: try await bus.follow(Topics.state, from: [:])
        )
    }

    func publish(_ record: StateRecord?, _ key: StateKey? = nil) async throws {
        try await self.bus.publish(
            OutgoingMessage(
                topic: Topics.state,
                key: (key ?? record?.key)?.text ?? "",
                body: record.map { Envelope(at: .now(), $0).encoded() }
            )
        )
    }
}

extension StateRecord {
    fileprivate static func execution(_ id: String, _ status: ExecutionStatus, version: Int) -> StateRecord {
        let spec = ExecutionSpec(
            id: ExecutionID(id),
            session: SessionID("s"),
            incarnation: Incarnation("1"),
            code: "1",
            language: .python,
            timeoutSeconds: 1,
            createdAt: .now()
        )
        return .execution(Execution(spec: spec, status: status, version: version))
    }
}

/// A cache that does not answer.
private struct NoCache: StatusCache {
    private var gone: CoordinationError { CoordinationError(.unavailable, "gone") }

    func put(_ entries: [StatusEntry], lifetime: Duration) async throws(CoordinationError) { throw self.gone }
    func entries(_ keys: [String]) async throws(CoordinationError) -> [StatusEntry?] { throw self.gone }
    func remove(_ removals: [StatusRemoval], lifetime: Duration) async throws(CoordinationError) { throw self.gone }
}
