import Dispatcher
import Foundation
import MessageBus
import Messages
import ServiceKit

/// Measures how fast dispatchers decide: `swift run -c release dispatcher-benchmark [EXECUTIONS]`.
///
/// A thousand nodes and a hundred thousand executions that wait, over a log in memory: what is measured is decoding,
/// deciding, storing and encoding. A decision is a record of an execution's state: accepted, begun, ended.
@main enum DispatcherBenchmark {
    static let (nodes, sessions) = (1000, 2000)

    static func main() async throws {
        let executions = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 100_000
        print("\(nodes) nodes, \(sessions) sessions, \(executions) executions; decisions per second")
        print("| partitions | dispatchers | accepting, all but \(sessions) wait | running them | both |")
        print("|---|---|---|---|---|")
        for (partitions, dispatchers) in [(1, 1), (2, 1), (8, 1), (32, 1), (8, 2), (32, 2)] {
            let simulation = try await Simulation(partitions: partitions, dispatchers: dispatchers)
            let (accepted, ran) = try await simulation.run(executions)
            let all = Self.decisions(of: executions)
            print(
                "| \(partitions) | \(dispatchers) |",
                "\(Int(Double(executions) / accepted)) |",
                "\(Int(Double(all - executions) / ran)) |",
                "\(Int(Double(all) / (accepted + ran))) |"
            )
        }
    }

    /// Accepted, begun, ended; those that need not wait are accepted and begun in one.
    static func decisions(of executions: Int) -> Int { 3 * executions - self.sessions }
}

/// One set of dispatchers over one log.
final class Simulation: Sendable {
    private let log: MemoryLog
    private let fleet: Fleet
    private let folder: String
    private let partitions: Int
    private let dispatchers: [PartitionedDispatcher]

    init(partitions: Int, dispatchers count: Int) async throws {
        let fleet = Fleet(count: DispatcherBenchmark.nodes, partitions: partitions)
        let log = MemoryLog { fleet.receive($0) }
        fleet.attach(to: log)
        try await log.ensureTopics(Dispatcher.topics(partitions: partitions))
        log.state.withLock { state in
            state.members = (0..<count).map { member in (0..<partitions).filter { $0 % count == member } }
        }
        let folder = NSTemporaryDirectory() + "dispatcher-benchmark-\(getpid())-\(partitions)-\(count)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.dispatchers = try (0..<count).map { number in
            PartitionedDispatcher(
                configuration: try DispatcherConfiguration(partitions: partitions),
                member: "dispatcher-\(number)",
                storePath: "\(folder)/\(number).db",
                bus: log,
                metrics: MetricsRegistry(),
                logger: Logger(label: "benchmark", level: .error)
            )
        }
        (self.log, self.fleet, self.folder, self.partitions) = (log, fleet, folder, partitions)
    }

    /// - Returns: Seconds until all were accepted, and from then until all had ended.
    func run(_ executions: Int) async throws -> (accepted: Double, ran: Double) {
        defer {
            // Ours alone; what stays behind is only disk space.
            try? FileManager.default.removeItem(atPath: self.folder)
        }
        return try await withThrowingTaskGroup(of: (Double, Double)?.self) { group in
            for dispatcher in self.dispatchers {
                group.addTask {
                    do { try await dispatcher.run() } catch is CancellationError {}
                    return nil
                }
            }
            group.addTask {
                // As often as nodes do.
                while true {
                    self.log.append(self.fleet.heartbeats())
                    do { try await Task.sleep(for: .seconds(2)) } catch { return nil }
                }
            }
            group.addTask { try await self.measure(executions) }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                self.log.close()
                return (accepted: result.0, ran: result.1)
            }
            return (0, 0)
        }
    }

    private func measure(_ executions: Int) async throws -> (Double, Double) {
        try await self.waitForRecords(DispatcherBenchmark.nodes, of: "node/")
        let sessions = (0..<DispatcherBenchmark.sessions).map { SessionID("session-\($0)") }
        self.log.append(sessions.map { self.command(.createSession(self.session($0))) })
        try await self.fleet.waitUntil(ready: sessions.count)
        let commands = (0..<executions).map { number in
            self.command(.submit(self.execution(number, sessions[number % sessions.count])))
        }
        let clock = ContinuousClock()
        let accepted = try await clock.measure {
            self.log.append(commands)
            try await self.waitForRecords(executions, of: "execution/")
        }
        let ran = try await clock.measure {
            self.fleet.letGo()
            try await self.waitForRecords(DispatcherBenchmark.decisions(of: executions), of: "execution/")
        }
        return (accepted / .seconds(1), ran / .seconds(1))
    }

    /// Returns when the state topic has as many records whose keys begin so.
    private func waitForRecords(_ count: Int, of prefix: String) async throws {
        let reader = try await self.log.follow(Topics.state, from: [:])
        var seen = 0
        while seen < count { seen += try await reader.next(upTo: 10_000).count { $0.key.hasPrefix(prefix) } }
    }

    private func command(_ command: Messages.Command) -> OutgoingMessage {
        OutgoingMessage(topic: Topics.commands, key: command.key ?? "", body: Envelope(at: .now(), command).encoded())
    }

    private func session(_ id: SessionID) -> SessionSpec {
        SessionSpec(
            id: id,
            incarnation: Incarnation("1"),
            templateID: TemplateID("t"),
            image: "i",
            runtime: .python311,
            resources: Resources(cpu: "1", memory: "1Gi", disk: "1Gi", cpuMillis: 1000, memoryBytes: 1, diskBytes: 1),
            createdAt: .now()
        )
    }

    private func execution(_ number: Int, _ session: SessionID) -> ExecutionSpec {
        ExecutionSpec(
            id: ExecutionID("execution-\(number)"),
            session: session,
            incarnation: Incarnation("1"),
            code: "def handler(event):\n    return event['a'] + event['b']\n",
            language: .python,
            timeoutSeconds: 300,
            retries: 0,
            createdAt: .now()
        )
    }
}
