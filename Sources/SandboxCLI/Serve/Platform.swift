internal import APIGateway
internal import Dispatcher
internal import Foundation
internal import MessageBus
internal import SQLite
internal import SandboxRuntime
internal import ServiceKit
internal import WorkerNode

/// All services of one machine, over one data folder.
struct Platform: Sendable {
    private let configuration: ServeConfiguration
    private let bus: EmbeddedBus
    private let runtime: BubblewrapRuntime
    private let group: ServiceGroup
    private let lock: FileLock

    /// Takes the data folder for itself, opens what is in it and wires the services.
    static func open(_ configuration: ServeConfiguration) async throws -> Platform {
        let folder = configuration.dataFolder
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let lock = try FileLock(path: folder + "/lock")
        let bus = try await EmbeddedBus.open(path: folder + "/log.db")
        let partitions = configuration.dispatcher.partitions
        try await bus.ensureTopics(
            Dispatcher.topics(partitions: partitions)
        )
        let runtime = try BubblewrapRuntime(configuration: configuration.runtime)
        let metrics = MetricsRegistry()
        let logger = configuration.logger
        let dispatcher = Dispatcher(
            configuration: configuration.dispatcher,
            bus: bus,
            metrics: metrics,
            logger: logger.labeled("dispatcher")
        )
        let worker = try WorkerNode(
            configuration: configuration.worker,
            bus: bus,
            runtime: runtime,
            registry: metrics,
            logger: logger.labeled("worker")
        )
        let gateway = try APIGateway(
            configuration: configuration.gateway,
            bus: bus,
            partitions: partitions,
            readModelPath: folder + "/gateway.db",
            workspaces: worker.workspaces,
            probes: [PlatformProbes.worker(worker), PlatformProbes.disk(folder)],
            logger: logger.labeled("gateway"),
            metrics: metrics
        )
        return Platform(
            configuration: configuration,
            bus: bus,
            runtime: runtime,
            group: ServiceGroup(
                [
                    LogMaintenanceService(bus: bus, interval: .seconds(600), logger: logger.labeled("log")), dispatcher,
                    worker, gateway,
                ],
                drainTimeout: configuration.drainTimeout,
                logger: logger
            ),
            lock: lock
        )
    }

    /// Runs until a signal, or until a service cannot go on.
    func run() async throws {
        let outcome = await Result { try await self.group.run() }
        await self.runtime.shutDown()
        await self.bus.close()
        self.lock.release()
        try outcome.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
