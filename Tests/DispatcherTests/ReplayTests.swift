import MessageBus
import Messages
import SQLite
import ServiceKit
import StateStore
import Testing

@testable import Dispatcher

/// Whatever part of the log is read again, after whatever restart, the state is the same.
@Suite struct ReplayTests {
    @Test(.timeLimit(.minutes(10)), arguments: 0..<60) func replayingGivesTheSameState(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let log = RandomLog.make(records: 300, using: &random)
        let once = try await Run.make("once-\(seed)")
        try await once.consume(log[...])
        let replayed = try await Run.make("replayed-\(seed)")
        var position = 0
        while position < log.count {
            // Goes back a little, as after a restart whose acknowledgement was lost, then on by a random step.
            let start = max(0, position - Int.random(in: 0...20, using: &random))
            let end = min(log.count, position + Int.random(in: 1...40, using: &random))
            if Bool.random(using: &random) { replayed.restart() }
            try await replayed.consume(log[start..<end])
            position = end
        }
        let (left, right) = (try await once.dump(), try await replayed.dump())
        #expect(left == right, "seed \(seed)")
        #expect(!left.isEmpty, "seed \(seed) made nothing")
        try await once.close()
        try await replayed.close()
    }
}

/// A dispatcher's core over a log and a store of its own.
private final class Run: Sendable {
    let bus: EmbeddedBus
    let core: Locked<DispatcherCore>
    let folder: String

    private init(bus: EmbeddedBus, folder: String) {
        self.bus = bus
        self.folder = folder
        self.core = Locked(Self.core(bus))
    }

    private static func core(_ bus: EmbeddedBus) -> DispatcherCore {
        guard let configuration = try? DispatcherConfiguration() else { preconditionFailure("the defaults are valid") }
        return DispatcherCore(
            configuration: configuration,
            outlet: LogOutlet(bus: bus),
            metrics: DispatcherMetrics(registry: MetricsRegistry())
        )
    }

    static func make(_ name: String) async throws -> Run {
        let folder = try TemporaryFolder.make(name)
        let bus = try await EmbeddedBus.open(path: folder + "/log.db")
        try await bus.ensureTopics(Dispatcher.topics(partitions: 8))
        try await bus.ensureTopics([TopicConfiguration(name: Topics.node(DispatcherHarness.node), partitions: 1)])
        let run = Run(bus: bus, folder: folder)
        let core = run.core.withLock { $0 }
        try await bus.writer.write { try core.prepare(on: $0, now: Timestamp(microseconds: 1)) }
        return run
    }

    func restart() {
        self.core.withLock { $0 = Self.core(self.bus) }
    }

    func consume(_ log: ArraySlice<Delivery>) async throws {
        let (bus, core) = (self.bus, self.core.withLock { $0 })
        var rest = log
        while let topic = rest.first?.topic {
            let batch = Array(rest.prefix { $0.topic == topic })
            rest = rest.dropFirst(batch.count)
            try await bus.writer.write { try core.consume(batch, on: $0) }
        }
    }

    /// Everything that is stored, in a comparable form.
    func dump() async throws -> [String] {
        try await self.bus.writer.write { connection in
            try connection.query(
                "SELECT 'session ' || id || ' ' || is_active || ' ' || hex(record) FROM dispatcher_session"
            ) {
                $0.text(0)
            }.sorted()
                + connection.query(
                    "SELECT 'execution ' || id || ' ' || hex(record) FROM dispatcher_execution ORDER BY rowid"
                ) {
                    $0.text(0)
                }
                + connection.query("SELECT 'template ' || id || ' ' || hex(record) FROM dispatcher_template") {
                    $0.text(0)
                }
                .sorted()
        }
    }

    func close() async throws {
        await self.bus.close()
        TemporaryFolder.remove(self.folder)
    }
}

/// Makes a log of a few sessions that live, run code, fail, end and come again, with reports that are right, late or void.
private enum RandomLog {
    static func make(records: Int, using random: inout SeededGenerator) -> [Delivery] {
        var harness = DispatcherHarness()
        var offsets = [Topics.commands: Int64(0), Topics.events: Int64(0)]
        var log: [Delivery] = []
        var (incarnation, execution) = (0, 0)
        func append(_ topic: String, _ body: [UInt8]) {
            let offset = offsets[topic] ?? 0
            offsets[topic] = offset + 1
            log.append(Delivery(topic: topic, partition: 0, offset: offset, timestamp: 0, key: "", body: body))
        }
        for _ in 0..<records {
            harness.now = harness.now + .milliseconds(Int.random(in: 1...900, using: &random))
            let session = SessionID("s\(Int.random(in: 0..<4, using: &random))")
            let current = harness.state.sessions[session]?.session.spec.incarnation ?? Incarnation("none")
            let reference = SessionReference(
                session: session,
                incarnation: current,
                container: ContainerID("c-\(current)")
            )
            let old = ExecutionID("e\(Int.random(in: 0...max(0, execution), using: &random))")
            let attempt = harness.state.executions[old]?.machine.attempt ?? 1
            let executionReference = ExecutionReference(
                execution: old,
                session: harness.state.executions[old]?.session ?? session,
                attempt: Int.random(in: 0..<8, using: &random) == 0 ? attempt - 1 : attempt
            )
            var command: Messages.Command?
            var event: Event?
            switch Int.random(in: 0..<20, using: &random) {
            case 0, 1:
                incarnation += 1
                command = .createSession(harness.spec(session.rawValue, incarnation: "\(incarnation)"))
            case 2: command = .terminateSession(session)
            case 3: command = .deleteSession(session)
            case 4: command = .cancel(executionReference)
            case 5, 6, 7, 8, 9:
                execution += 1
                let retries = Int.random(in: 0...2, using: &random)
                command = .submit(
                    harness.execution(
                        "e\(execution)",
                        session.rawValue,
                        retries: retries,
                        incarnation: current.rawValue
                    )
                )
            case 10, 11: event = .sessionReady(reference, node: DispatcherHarness.node)
            case 12: event = .sessionFailed(reference, Problem("failed", "no sandbox"))
            case 13, 14, 15:
                let outcome = ExecutionOutcome(status: .completed, exitCode: 0)
                event = .executionEnded(
                    ExecutionEnded(
                        reference: executionReference,
                        outcome: outcome,
                        startedAt: harness.now,
                        endedAt: harness.now
                    )
                )
            case 16, 17:
                event = .executionLost(
                    ExecutionLost(
                        reference: executionReference,
                        neverStarted: Bool.random(using: &random),
                        problem: Problem("lost", "lost")
                    )
                )
            default:
                event = .nodeReport(
                    NodeReport(
                        node: DispatcherHarness.node,
                        boot: Incarnation("b"),
                        isFirst: false,
                        sessions: Bool.random(using: &random) ? [reference] : [],
                        capacity: Int.random(in: 1...3, using: &random)
                    )
                )
            }
            if let command {
                append(Topics.commands, Envelope(at: harness.now, command).encoded())
                _ = try? harness.command(command)
            }
            if let event {
                append(Topics.events, Envelope(at: harness.now, event).encoded())
                _ = try? harness.event(event)
            }
        }
        return log
    }
}
