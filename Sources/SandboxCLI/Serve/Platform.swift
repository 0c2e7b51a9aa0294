internal import APIGateway
internal import Dispatcher
internal import DockerRuntime
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
    private let runtime: any SandboxRuntime
    private let group: ServiceGroup
    private let deadline: ShutdownDeadline
    private let lock: FileLock

    /// Takes the data folder for itself, opens what is in it and wires the services.
    static func open(_ configuration: ServeConfiguration) async throws -> Platform {
        let folder = configuration.dataFolder
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            let problem = "the folder \(folder) cannot be made: \(error.fileReason). Use another one: --data DIR"
            throw ConfigurationError(key: "DATA_DIR", problem: problem)
        }
        let lock = try FileLock(path: folder + "/lock")
        let bus = try await EmbeddedBus.open(path: folder + "/log.db")
        let partitions = configuration.dispatcher.partitions
        try await bus.ensureTopics(
            Dispatcher.topics(partitions: partitions)
        )
        let runtime = try await configuration.runtime.open(logger: configuration.logger.labeled("runtime"))
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
        let deadline = ShutdownDeadline(drainTimeout: configuration.drainTimeout, logger: logger)
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
                deadline: deadline,
                logger: logger
            ),
            deadline: deadline,
            lock: lock
        )
    }

    /// Runs until a signal, or until a service cannot go on.
    func run() async throws {
        let outcome = await Result { try await self.group.run() }
        await self.runtime.shutDown()
        await self.bus.close()
        self.lock.release()
        self.deadline.cancel()
        try outcome.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
