import Foundation
import HTTPClient
import HTTPServer
import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

@testable import APIGateway

/// A gateway on a free port, over a log of its own and a dispatcher that is scripted.
final class GatewayFixture: Sendable {
    let folder: String
    let bus: EmbeddedBus
    let dispatcher: ScriptedDispatcher
    let gateway: APIGateway
    let client: HTTPClient
    let registry: MetricsRegistry
    let port: UInt16

    private init(
        folder: String,
        bus: EmbeddedBus,
        dispatcher: ScriptedDispatcher,
        gateway: APIGateway,
        registry: MetricsRegistry,
        port: UInt16
    ) throws {
        self.folder = folder
        self.bus = bus
        self.dispatcher = dispatcher
        self.gateway = gateway
        self.registry = registry
        self.port = port
        self.client = try HTTPClient()
    }

    /// What a test may change.
    struct Options: Sendable {
        var internalToken: String?
        var maxQueuedExecutions = 1000
        var maxQueuedExecutionsPerSession = 1000
        var maxUploadBytes = 1 << 20
        var cacheBytes = 1 << 20
        var decisionTimeout: Duration = .seconds(10)
        var probes: [HealthProbe] = []
        /// A folder that outlives the fixture; `nil` for one of its own.
        var folder: String?
        var hasDispatcher = true
    }

    /// Runs `body` with everything started, and stops it in reverse.
    static func run(
        _ options: Options = Options(),
        _ body: @Sendable (GatewayFixture) async throws -> Void
    ) async throws {
        let folder = try options.folder ?? Self.makeFolder()
        defer { if options.folder == nil { Self.remove(folder) } }
        let bus = try await EmbeddedBus.open(path: folder + "/log.db")
        let partitions = ScriptedDispatcher.partitions
        try await bus.ensureTopics([
            TopicConfiguration(name: Topics.commands, partitions: partitions),
            TopicConfiguration(name: Topics.events, partitions: partitions),
            TopicConfiguration(name: Topics.state, partitions: partitions, isCompacted: true),
        ])
        let registry = MetricsRegistry()
        let dispatcher = ScriptedDispatcher(bus: bus)
        let gateway = try APIGateway(
            configuration: Self.configuration(options),
            bus: bus,
            partitions: partitions,
            readModelPath: folder + "/gateway.db",
            workspaces: FolderWorkspaces(folder: folder),
            probes: options.probes,
            logger: .disabled,
            metrics: registry
        )
        let group = ServiceGroup([gateway], drainTimeout: .seconds(10), signals: [], logger: .disabled)
        let deciding = Task { if options.hasDispatcher { try await dispatcher.run() } }
        let ended = Signal()
        let serving = Task {
            defer { ended.fire() }
            try await group.run()
        }
        do {
            let port = try await Self.port(of: gateway, unless: ended) ?? 0
            // Ended before it listened: this throws why.
            if port == 0 { try await serving.value }
            let fixture = try GatewayFixture(
                folder: folder,
                bus: bus,
                dispatcher: dispatcher,
                gateway: gateway,
                registry: registry,
                port: port
            )
            try await body(fixture)
            fixture.client.close()
        } catch {
            group.shutDown()
            await bus.close()
            throw error
        }
        group.shutDown()
        try await serving.value
        deciding.cancel()
        await bus.close()
    }

    private static func configuration(_ options: Options) throws -> APIGatewayConfiguration {
        try APIGatewayConfiguration(
            http: HTTPServerConfiguration(
                port: 0,
                connectionLimit: 256,
                // Slow is no fault of a client on a busy machine.
                headerTimeout: .seconds(600),
                keepAliveTimeout: .seconds(600),
                stallTimeout: .seconds(600)
            ),
            cacheBytes: options.cacheBytes,
            maxQueuedExecutionsPerSession: options.maxQueuedExecutionsPerSession,
            maxQueuedExecutions: options.maxQueuedExecutions,
            maxUploadBytes: options.maxUploadBytes,
            internalToken: options.internalToken.map { Secret($0) },
            decisionTimeout: options.decisionTimeout
        )
    }

    /// The port once the gateway listens; `nil` if it ends before.
    private static func port(of gateway: APIGateway, unless ended: Signal) async throws -> UInt16? {
        try await withThrowingTaskGroup(of: UInt16?.self) { group in
            group.addTask { try await gateway.waitUntilListening() }
            group.addTask {
                try await ended.wait()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    static func makeFolder() throws -> String {
        let folder = NSTemporaryDirectory() + "gateway-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    static func remove(_ folder: String) {
        // A folder that stays in the temporary directory harms nobody.
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Workspaces that are plain folders, a container each.
struct FolderWorkspaces: WorkspaceAccess {
    let folder: String

    func workspace(of container: String, at address: String) async throws(RuntimeError) -> any Workspace {
        let path = "\(self.folder)/\(container)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RuntimeError(.fileFailed, "no folder", cause: error)
        }
        return WorkspaceDirectory(path: path, owner: nil)
    }
}
