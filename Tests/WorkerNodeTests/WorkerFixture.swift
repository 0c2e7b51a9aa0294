import Foundation
import MessageBus
import Messages
import SandboxRuntime
import ServiceKit
import Testing
import WorkerNode

/// A bus, a folder and workers on them, as the dispatcher sees them.
final class WorkerFixture: Sendable {
    let folder: String
    let bus: EmbeddedBus
    /// Refuses what the test says, in between.
    let faults: RefusingBus
    let node = NodeID("n1")

    init() async throws {
        self.folder = NSTemporaryDirectory() + "worker-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        self.bus = try await EmbeddedBus.open(path: "\(self.folder)/log.db")
        self.faults = RefusingBus(base: self.bus)
        try await self.bus.ensureTopics([
            TopicConfiguration(name: Topics.events, partitions: 8),
            TopicConfiguration(name: Topics.deadLetter, partitions: 1),
            TopicConfiguration(name: Topics.node(self.node), partitions: 1),
        ])
    }

    deinit {
        // What cannot be removed is left to the system's own cleaning.
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    var sandboxes: String { "\(self.folder)/sandboxes" }

    func worker(
        _ runtime: any SandboxRuntime,
        warmPoolSize: Int = 0,
        maxSandboxes: Int = 1000,
        reportInterval: Duration = .seconds(3600),
        reaperGrace: Duration = .seconds(600),
        drainTimeout: Duration = .seconds(20),
        image: String = "known",
        hasJournal: Bool = false
    ) throws -> WorkerNode {
        try WorkerNode(
            configuration: WorkerNodeConfiguration(
                nodeID: self.node,
                sandboxesDirectory: self.sandboxes,
                warmPoolSize: warmPoolSize,
                pooledImages: [image],
                maxSandboxes: maxSandboxes,
                reportInterval: reportInterval,
                journalPath: hasJournal ? "\(self.folder)/journal.db" : nil,
                reaperGrace: reaperGrace,
                drainTimeout: drainTimeout
            ),
            bus: self.faults,
            runtime: runtime,
            registry: MetricsRegistry(),
            logger: .disabled
        )
    }

    /// Runs the worker while `body` does; then asks it to stop, and waits for that.
    func run<T: Sendable>(_ worker: WorkerNode, _ body: (Dispatcher) async throws -> T) async throws -> T {
        let ends = try await self.bus.endOffsets(of: Topics.events)
        let follower = try await self.bus.follow(
            Topics.events,
            from: Dictionary(uniqueKeysWithValues: ends.enumerated().map { ($0, $1) })
        )
        let group = ServiceGroup([worker], drainTimeout: .seconds(30), signals: [], logger: .disabled)
        async let ended: Void = group.run()
        let result: Result<T, any Error>
        do {
            result = .success(try await body(Dispatcher(fixture: self, follower: follower, group: group)))
        } catch {
            result = .failure(error)
        }
        group.shutDown()
        try await ended
        await follower.close()
        return try result.get()
    }

    func send(_ commands: NodeCommand...) async throws {
        try await self.send(commands)
    }

    func send(_ commands: [NodeCommand]) async throws {
        try await self.bus.publish(
            commands.map { command in
                OutgoingMessage(
                    topic: Topics.node(self.node),
                    key: command.key ?? "",
                    body: Envelope(at: .now(), command).encoded()
                )
            }
        )
    }

    /// Folders of sandboxes that are there.
    func folders() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.sandboxes).sorted()
    }
}

/// Sends commands and reads events, one after the other.
final class Dispatcher {
    let fixture: WorkerFixture
    let follower: any MessageFollower
    let group: ServiceGroup
    private var unread: [Event] = []

    init(fixture: WorkerFixture, follower: any MessageFollower, group: ServiceGroup) {
        self.fixture = fixture
        self.follower = follower
        self.group = group
    }

    func send(_ commands: NodeCommand...) async throws { try await self.fixture.send(commands) }

    /// The next event that `pick` makes something of; what it makes nothing of is passed over, and kept.
    func next<T>(_ pick: (Event) -> T?) async throws -> T {
        for (index, event) in self.unread.enumerated() {
            if let value = pick(event) {
                self.unread.remove(at: index)
                return value
            }
        }
        while true {
            let deliveries = try await self.follower.next(upTo: 100)
            try #require(!deliveries.isEmpty, "the follower was closed")
            let events = try deliveries.map { try Envelope<Event>(decoding: $0.body ?? []).payload }
            let start = self.unread.count
            self.unread += events
            for index in start..<self.unread.count {
                if let value = pick(self.unread[index]) {
                    self.unread.remove(at: index)
                    return value
                }
            }
        }
    }

    /// Events that nobody has asked for so far.
    var passedOver: [Event] { self.unread }

    func nextEnd() async throws -> ExecutionEnded {
        try await self.next { if case .executionEnded(let ended) = $0 { ended } else { nil } }
    }

    func nextLoss() async throws -> ExecutionLost {
        try await self.next { if case .executionLost(let lost) = $0 { lost } else { nil } }
    }

    func nextReady() async throws -> SessionReference {
        try await self.next { if case .sessionReady(let reference, _) = $0 { reference } else { nil } }
    }

    func nextFailure() async throws -> (SessionReference, Problem) {
        try await self.next {
            if case .sessionFailed(let reference, let problem) = $0 { (reference, problem) } else { nil }
        }
    }

    func nextExit() async throws -> (SessionReference, Problem) {
        try await self.next {
            if case .containerExited(let reference, let problem) = $0 { (reference, problem) } else { nil }
        }
    }

    /// One report of each partition, merged.
    func nextReport() async throws -> NodeReport {
        var merged: NodeReport?
        for _ in 0..<8 {
            let report = try await self.next { if case .nodeReport(let report) = $0 { report } else { nil } }
            if merged == nil {
                merged = report
            } else {
                merged?.sessions += report.sessions
                merged?.executions += report.executions
            }
        }
        return try #require(merged)
    }

    /// A session that is ready.
    func ready(_ spec: SessionSpec, container: ContainerID? = nil) async throws -> SessionReference {
        try await self.send(.ensureSession(spec, container: container))
        let (reference, problem): (SessionReference, Problem?) = try await self.next { event in
            switch event {
            case .sessionReady(let reference, _) where reference.incarnation == spec.incarnation: (reference, nil)
            case .sessionFailed(let reference, let problem) where reference.incarnation == spec.incarnation:
                (reference, problem)
            default: nil
            }
        }
        try #require(problem == nil, "\(spec.id): \(problem?.code ?? ""): \(problem?.message ?? "")")
        return reference
    }
}

extension SessionSpec {
    static func sample(
        _ id: String = "s1",
        image: String = "known",
        template: [String: String] = [:],
        environment: [String: String] = [:],
        memoryBytes: Int = 512 << 20
    ) -> SessionSpec {
        SessionSpec(
            id: SessionID(id),
            incarnation: .make(),
            templateID: TemplateID("python-basic"),
            image: image,
            runtime: .python311,
            resources: Resources(
                cpu: "1",
                memory: "512Mi",
                disk: "1Gi",
                cpuMillis: 1000,
                memoryBytes: memoryBytes,
                diskBytes: 1 << 30
            ),
            templateEnvironment: template,
            environment: environment,
            createdAt: .now()
        )
    }

    func execution(
        _ id: String = "e1",
        code: String = "",
        environment: [String: String] = [:],
        timeoutSeconds: Int = 30
    ) -> ExecutionSpec {
        ExecutionSpec(
            id: ExecutionID(id),
            session: self.id,
            incarnation: self.incarnation,
            code: code,
            language: .python,
            timeoutSeconds: timeoutSeconds,
            environment: environment,
            createdAt: .now()
        )
    }

    var reference: SessionReference { SessionReference(session: self.id, incarnation: self.incarnation) }
}
