import MessageBus
import Messages
import ServiceKit
import TestKit
import Testing

@testable import Dispatcher

/// Dispatchers over one log whose partitions the test hands out, a node that does what it is told, and a reader of the
/// state that believes owners only.
final class ClusterHarness: Sendable {
    static let partitions = 4

    let log: EmbeddedBus
    let group: ScriptedGroup
    let folder: String
    let node: ScriptedNode
    let view: StateView
    private let sequence = Locked(0)

    private init(log: EmbeddedBus, folder: String, node: ScriptedNode, view: StateView) {
        self.log = log
        self.group = ScriptedGroup(log: log)
        self.folder = folder
        self.node = node
        self.view = view
    }

    static func run(_ name: String, _ body: @escaping @Sendable (ClusterHarness) async throws -> Void) async throws {
        let folder = try TemporaryFolder.make(name)
        defer { TemporaryFolder.remove(folder) }
        let log = try await EmbeddedBus.open(path: folder + "/log.db")
        try await log.ensureTopics(Dispatcher.topics(partitions: Self.partitions))
        let node = try await ScriptedNode.open(log: log, partitions: Self.partitions)
        let view = try await StateView.open(log: log)
        let harness = ClusterHarness(log: log, folder: folder, node: node, view: view)
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await node.run() }
                tasks.addTask { try await view.run() }
                try await body(harness)
                tasks.cancelAll()
                while let result = await tasks.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await log.close()
        try outcome.get()
    }

    /// Runs a dispatcher until the test ends it.
    func dispatcher(_ name: String) throws -> RunningDispatcher {
        let number = self.sequence.withLock { number in
            number += 1
            return number
        }
        let member = self.group.member(name)
        let dispatcher = PartitionedDispatcher(
            configuration: try DispatcherConfiguration(
                partitions: Self.partitions,
                // The node beats once only.
                settings: DispatcherSettings(nodeLostAfter: .seconds(3600))
            ),
            member: name,
            storePath: "\(self.folder)/\(name)-\(number).db",
            bus: member,
            metrics: MetricsRegistry(),
            logger: Logger(label: "test", level: .error)
        )
        return RunningDispatcher(member: member, task: Task { try await dispatcher.run() })
    }

    func command(_ command: Messages.Command, partition: Int? = nil) async throws {
        let body = Envelope(at: .now(), command).encoded()
        try await self.log.publish(
            OutgoingMessage(topic: Topics.commands, key: command.key ?? "", partition: partition, body: body)
        )
    }

    static func partition(of session: String) -> Int {
        Partitioner.partition(of: session, count: Self.partitions)
    }

    /// Sessions of each partition, `count` in all of them.
    static func sessions(_ count: Int) -> [String] { (0..<count).map { "session-\($0)" } }
}

/// A dispatcher that a test started.
struct RunningDispatcher {
    let member: ScriptedMember
    let task: Task<Void, any Error>

    /// Ends it in the middle of whatever it does, as a kill would: nothing more of it reaches the log.
    func kill() async {
        self.member.cutOff()
        self.task.cancel()
        _ = await self.task.result
    }
}
