public import Coordination
import HTTPServer
public import MessageBus
import Messages
public import SandboxRuntime
public import ServiceKit

/// Serves the REST API: validates, appends commands to the log, and answers from a view that it builds by following the
/// state topic. It changes state only by a command.
///
/// HTTP starts last and stops first. Nothing of it must survive: a lost view is built again.
public final class APIGateway: Service {
    /// How long the start waits for the past to be read before the port is opened anyway; requests are answered with 503
    /// from then until the view is complete.
    private static let startPatience: Duration = .seconds(10)
    /// A view that was not written to for so long is built anew: the log may have forgotten what was deleted since.
    private static let oldestView: Duration = .seconds(12 * 3600)

    private let configuration: APIGatewayConfiguration
    private let bus: any MessageBus
    private let partitions: Int
    private let model: ReadModel
    private let commands: CommandPublisher
    private let restatements: Restatements
    private let shared: SharedView?
    private let server: HTTPServer
    private let ready = Signal()
    private let listening = Signal()
    private let logger: Logger
    /// For tests that compare them with what is documented.
    let routes: [APIRoute]

    /// - Parameters:
    ///   - partitions: Of the topics for commands, events and state, which exist.
    ///   - readModelPath: The database of the view; its folder exists.
    ///   - statuses: Where several gateways tell one another what they have shown; `nil` where there is one.
    ///   - probes: What `/health` asks beside the log, the dispatcher and the view.
    ///   - metrics: Gets the gateway's metrics; what else is in it is shown at `/metrics` too.
    /// - Throws: ``SQLiteError`` if the system allows no further thread.
    public init(
        configuration: APIGatewayConfiguration,
        bus: any MessageBus,
        partitions: Int,
        readModelPath: String,
        workspaces: any WorkspaceAccess,
        statuses: (any StatusCache)? = nil,
        probes: [HealthProbe] = [],
        logger: Logger,
        metrics registry: MetricsRegistry
    ) throws {
        let documents = Documents(packageIndexURL: configuration.packageIndexURL)
        let metrics = GatewayMetrics(registry: registry)
        let restatements = Restatements(logger: logger)
        let model = try ReadModel(
            path: readModelPath,
            cacheBytes: configuration.cacheBytes,
            documents: documents,
            logger: logger,
            onEnd: { metrics.ended($0) },
            onVoid: { restatements.note($0, partition: $1, epoch: $2) }
        )
        let shared = statuses.map { SharedView(statuses: $0, model: model, bus: bus, logger: logger) }
        let dispatcher = DispatcherHealth()
        let commands = CommandPublisher(
            bus: bus,
            decisions: model.decisions,
            patience: configuration.decisionTimeout,
            health: dispatcher
        )
        let own = GatewayProbes.all(
            bus: bus,
            model: model,
            commands: commands,
            health: dispatcher,
            ready: self.ready,
            partitions: partitions
        )
        GatewayMetrics.registerGauges(registry, model: model)
        let context = GatewayContext(
            configuration: configuration,
            partitions: partitions,
            bus: bus,
            model: model,
            shared: shared,
            commands: commands,
            workspaces: workspaces,
            documents: documents,
            health: HealthMonitor(probes: own + probes),
            metrics: metrics,
            logger: logger
        )
        let routes = APIRoutes.all(context, registry: registry)
        let requests = RequestMetrics(registry: registry, routes: routes)
        let adapter = RouteAdapter(ready: self.ready, shared: shared, logger: logger)
        let router = try HTTPRouter(
            routes.map { adapter.adapt($0) },
            redirectsTrailingSlash: true,
            errorBody: RouteAdapter.errorBody
        )
        self.server = HTTPServer(
            configuration: configuration.http,
            router: router,
            observe: { requests.observe($0) },
            diagnostics: { logger.debug("The HTTP library reports", metadata: [LogKey.reason: $0]) },
            // Who waits for an execution is told that it goes on.
            onDrain: { model.giveUpWaiting() }
        )
        self.configuration = configuration
        self.bus = bus
        self.partitions = partitions
        self.model = model
        self.commands = commands
        self.restatements = restatements
        self.shared = shared
        self.routes = routes
        self.logger = logger
    }

    /// Returns the port once the gateway listens.
    ///
    /// - Throws: `CancellationError`.
    public func waitUntilListening() async throws -> UInt16 {
        try await self.listening.wait()
        return self.server.port ?? 0
    }

    /// Whether the view has reached what existed when the gateway started.
    public var isReady: Bool { self.ready.isFired }

    /// Answers those who wait for executions as if their time were over.
    func giveUpWaiting() { self.model.giveUpWaiting() }

    /// Follows the state, then serves until asked to stop; requests under way are finished first.
    ///
    /// - Throws: ``HTTPServerError`` if the port cannot be listened on, ``BusError``, ``SQLiteError``.
    public func run() async throws {
        let patience = LogPatience(logger: self.logger)
        guard let ends = try await patience.answer({ try await self.bus.endOffsets(of: Topics.state) }) else { return }
        let offsets = try await self.model.open(ends: ends, oldest: Timestamp.now() + (.zero - Self.oldestView))
        do {
            if let follower = try await patience.answer({ try await self.bus.follow(Topics.state, from: offsets) }) {
                do {
                    try await self.work(follower)
                } catch {
                    await follower.close()
                    throw error
                }
                await follower.close()
            }
        } catch {
            await self.model.close()
            throw error
        }
        await self.model.close()
    }

    /// Returns when serving has ended as asked.
    private func work(_ follower: any MessageFollower) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.receive(follower)
                return true
            }
            group.addTask {
                try await self.becomeReady(follower)
                return false
            }
            group.addTask {
                try await self.restatements.run(self.commands)
                return true
            }
            group.addTask {
                try await self.serve()
                return true
            }
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
    }

    private func receive(_ follower: any MessageFollower) async throws {
        while true {
            let deliveries = try await follower.next(upTo: 512)
            if deliveries.isEmpty { return }
            let changes = deliveries.map { self.model.decode($0) }
            await self.shared?.share(changes, deliveries)
            self.model.receive(changes)
        }
    }

    /// The view is complete when the past has been read and the dispatcher has decided on what was accepted before:
    /// an execution that a client was told of cannot be missing then.
    private func becomeReady(_ follower: any MessageFollower) async throws {
        try await follower.waitUntilCaughtUp()
        do throws(APIError) {
            try await self.commands.probe(partitions: self.partitions)
        } catch {
            self.logger.warning("The dispatcher does not answer yet", metadata: [LogKey.error: error.message])
        }
        self.ready.fire()
    }

    private func serve() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.ready.wait() }
            group.addTask { try await Task.sleep(for: Self.startPatience) }
            try await group.next()
            group.cancelAll()
        }
        try await HTTPService(self.server, grace: self.configuration.drainTimeout) { port in
            self.logger.info("Listening", metadata: [LogKey.port: "\(port)"])
            self.listening.fire()
        }.run()
    }
}
