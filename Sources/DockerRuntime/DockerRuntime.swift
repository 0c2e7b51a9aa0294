import Glibc
public import SandboxRuntime
public import ServiceKit

/// Sandboxes in containers of a Docker daemon on this host.
///
/// They go on when this process ends, and the next runtime over the same state directory takes them over. As root each
/// live sandbox has a user id of its own, inside and outside; as an ordinary user all have ours.
public final class DockerRuntime: SandboxRuntime {
    struct State {
        /// Ids that run or are being started.
        var claimed: Set<SandboxID> = []
        var sandboxes: [SandboxID: DockerSandbox] = [:]
        var users: UserSlots
        var isClosed = false
        var capabilities: RuntimeCapabilities?
        var trials = 0
        /// Whoever waits until nothing is claimed.
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
        /// Listens to the daemon.
        var follower: Task<Void, Never>?
    }

    public let name = "docker"

    let configuration: DockerConfiguration
    let engine: EngineClient
    let info: EngineInfo
    let images: ImageStore
    let files: RuntimeFiles
    let reactor: Reactor
    let threads: BlockingThreads
    let logger: Logger
    let agent: AgentBinary
    let store: RuntimeStore
    let isRoot: Bool
    let state: Locked<State>

    /// Finds the daemon and what it has, and takes the state directory for itself.
    ///
    /// - Throws: ``RuntimeError/Code/unavailable`` if no daemon answers, it is too old or rootless, or another runtime uses
    ///   the state directory; ``RuntimeError/Code/fileFailed`` if that cannot be written.
    public static func connect(
        configuration: DockerConfiguration,
        logger: Logger
    ) async throws(RuntimeError) -> DockerRuntime {
        let engine: EngineClient
        let info: EngineInfo
        let images: ImageStore
        do throws(EngineError) {
            engine = try await EngineClient.connect(to: configuration.host, timeout: configuration.requestTimeout)
            info = try await engine.info()
            images = ImageStore(engine: engine, configuration: configuration, logger: logger)
            try await images.refresh()
        } catch {
            throw RuntimeError(error, trying: "use Docker")
        }
        if info.hasSecurityOption("rootless") {
            throw RuntimeError(
                .unavailable,
                "the Docker daemon at \(configuration.host) is rootless: it cannot keep users apart"
            )
        }
        logger.info(
            "Docker daemon found",
            metadata: [LogKey.version: "\(engine.version)", LogKey.count: "\(images.names.count)"]
        )
        let threads = BlockingThreads(name: "sandbox-files", limit: 4)
        return try await threads.run { () throws(RuntimeError) in
            try DockerRuntime(configuration, engine, info, images, threads, logger)
        }
    }

    private init(
        _ configuration: DockerConfiguration,
        _ engine: EngineClient,
        _ info: EngineInfo,
        _ images: ImageStore,
        _ threads: BlockingThreads,
        _ logger: Logger
    ) throws(RuntimeError) {
        self.configuration = configuration
        self.engine = engine
        self.info = info
        self.images = images
        self.threads = threads
        self.logger = logger
        self.isRoot = geteuid() == 0
        self.agent = AgentBinary(path: configuration.agentPath)
        self.store = try RuntimeStore(directory: configuration.stateDirectory)
        self.files = RuntimeFiles(directory: self.store.directory)
        try self.files.prepare()
        self.reactor = try Reactor()
        var users = UserSlots(
            first: configuration.firstUser,
            count: configuration.userCount,
            start: .random(in: 0..<max(1, configuration.userCount))
        )
        // Of containers that may still run: nobody else gets them before those are taken over, or gone.
        for user in self.files.users where users.contains(user) { _ = users.take(preferred: user) }
        self.state = Locked(State(users: users))
        // A task of its own: a runtime has no `run()` that could own it. ``shutDown()`` cancels it.
        let follower = Task { await images.follow() }
        self.state.withLock { $0.follower = follower }
    }

    public func resolve(image: String) throws(RuntimeError) { try self.images.resolve(image) }

    public func start(_ spec: SandboxSpec) async throws(RuntimeError) -> any Sandbox {
        try await self.launch(spec).sandbox
    }

    public func removeLeftovers(keeping known: Set<SandboxID>) async -> LeftoverReport {
        var report = LeftoverReport()
        let listed: [ListedContainer]
        do throws(EngineError) {
            listed = try await self.engine.containers(
                label: ContainerPlan.Label.instance,
                value: self.store.instance
            )
        } catch {
            return LeftoverReport(failures: ["\(error)"])
        }
        // Asked after the list was made: a sandbox is claimed before its container is, so that one which starts meanwhile
        // is spared.
        func isKnown(_ id: SandboxID) -> Bool {
            known.contains(id) || self.state.withLock { $0.claimed.contains(id) }
        }
        for container in listed {
            // What cannot be a sandbox's name is none of ours that lives.
            let id = try? SandboxID(container.labels?[ContainerPlan.Label.sandbox] ?? "")
            if let id, isKnown(id) { continue }
            await self.removeLeftover(container, into: &report)
        }
        await self.removeFiles(into: &report, isKnown: isKnown)
        return report
    }

    private func removeLeftover(_ container: ListedContainer, into report: inout LeftoverReport) async {
        do throws(EngineError) {
            guard try await self.engine.remove(container.id) else { return }
            report.groupsRemoved += 1
            if container.state == "running" { report.processesKilled += 1 }
        } catch {
            report.failures.append("container \(container.id): \(error)")
        }
    }

    /// Of containers that are gone, whoever has removed them.
    private func removeFiles(
        into report: inout LeftoverReport,
        isKnown: (SandboxID) -> Bool
    ) async {
        let files = self.files
        do throws(RuntimeError) {
            let names = try await self.threads.run { () throws(RuntimeError) in files.sandboxes }
            for name in names {
                let id = try SandboxID(name)
                if isKnown(id) { continue }
                let record = try await self.threads.run { () throws(RuntimeError) in
                    let record = SandboxRecord.read(files.record(of: id))
                    try files.remove(id)
                    return record
                }
                if let record, record.isUserOurs { self.state.withLock { $0.users.giveBack(record.user) } }
            }
        } catch {
            report.failures.append("files of containers: \(error)")
        }
    }

    public func shutDown() async {
        let sandboxes = self.close()
        await withTaskGroup(of: Void.self) { group in
            for sandbox in sandboxes { group.addTask { await sandbox.stop() } }
        }
        await self.finish()
    }

    /// Ends this runtime and leaves its sandboxes running, for the next one over the same state directory to recover.
    ///
    /// Orders that run have no outcome: their agents end them. A start that goes on is given up.
    public func detach() async {
        for sandbox in self.close() {
            if sandbox.letGo() { self.release(sandbox.id, user: nil) } else { sandbox.beginStop() }
        }
        await self.finish()
    }

    /// Lets nothing start any more.
    private func close() -> [DockerSandbox] {
        self.state.withLock { state in
            state.isClosed = true
            return Array(state.sandboxes.values)
        }
    }

    private func finish() async {
        // Starts that go on notice, and end what they have begun.
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                if !state.claimed.isEmpty { state.idleWaiters.append(continuation) }
                return state.claimed.isEmpty
            }
            if isIdle { continuation.resume() }
        }
        let follower = self.state.withLock { state in
            defer { state.follower = nil }
            return state.follower
        }
        guard let follower else { return }
        follower.cancel()
        await follower.value
        self.engine.close()
        self.threads.close()
        self.reactor.close()
        self.store.close()
    }
}
