internal import AgentProtocol
import Glibc
import SandboxRuntime
import ServiceKit

/// One sandbox in a container: its agent's connection, its limits, its end.
final class DockerSandbox: Sandbox {
    /// What it shares with its runtime.
    struct Surroundings: Sendable {
        var reactor: Reactor
        var threads: BlockingThreads
        var files: RuntimeFiles
        var processors: Int
        /// Whether the daemon counts processes.
        var limitsProcesses: Bool
    }

    let id: SandboxID
    let fileOwner: FileOwner?
    let owner: FileOwner
    let container: Container

    private let session: AgentSession
    private let surroundings: Surroundings
    private let isUserOurs: Bool
    private let listener = Locked<AgentListener?>(nil)
    /// Who was let in: its process id, and nothing that would keep the socket open.
    /// Whether its agent was ready once.
    private let wasReady = Locked(false)
    private let caller = Locked<Int32?>(nil)

    /// - Parameter release: Called once, when nothing of the sandbox is left, or what is left cannot be removed.
    init(
        id: SandboxID,
        limits: ResourceLimits,
        owner: FileOwner,
        isUserOurs: Bool,
        container: Container,
        surroundings: Surroundings,
        release: @escaping @Sendable (_ isRemoved: Bool) -> Void
    ) {
        self.id = id
        self.owner = owner
        self.isUserOurs = isUserOurs
        self.fileOwner = isUserOurs ? owner : nil
        self.container = container
        self.surroundings = surroundings
        let listener = self.listener
        self.session = AgentSession(limits: limits, reactor: surroundings.reactor) { session in
            listener.withLock { $0 }?.close()
            // A task of its own: nobody who waits for the end may cut it short. It ends within the daemon's timeouts.
            Task {
                let ending = await container.end()
                surroundings.threads.detach {
                    // What stays is removed with the container by the reaper, or overwritten by the next start.
                    if ending.isRemoved { try? surroundings.files.remove(id) }
                    release(ending.isRemoved)
                    session.gone(ending.end)
                }
            }
        }
    }

    /// The daemon's id of the container: new for each.
    var handle: String { self.container.id }

    // MARK: Start

    /// Makes and starts the container, and returns when its agent is ready.
    ///
    /// If it throws, ``abandon()`` has to follow.
    func bringUp(
        _ request: ContainerRequest,
        agent: AgentConfiguration,
        timeout: Duration
    ) async throws(RuntimeError) -> AgentReady {
        try await self.assemble(request, agent)
        let ready = try await self.awaitAgent(within: timeout)
        try self.checkCaller()
        self.wasReady.withLock { $0 = true }
        return ready
    }

    /// Returns when the container runs.
    private func assemble(_ request: ContainerRequest, _ agent: AgentConfiguration) async throws(RuntimeError) {
        defer { self.container.settle() }
        let surroundings = self.surroundings
        try await surroundings.threads.run { () throws(RuntimeError) in
            try surroundings.files.prepare(self.id, user: self.owner)
            // Nobody's code has run in it yet: whoever calls is the agent. It warms up while the daemon still talks.
            try self.listen(with: agent) { [owner = self.owner] in $0.user == owner.user }
        }
        try self.checkIsWanted()
        do throws(EngineError) {
            try await self.container.create(request)
        } catch {
            throw Self.explain(error)
        }
        try self.checkIsWanted()
        try await self.writeRecord()
        do throws(EngineError) {
            try await self.container.start()
        } catch {
            throw Self.explain(error)
        }
        let state = try await self.container.inspect()
        guard state.isRunning else {
            throw RuntimeError(.startFailed, "the container ended at once, with \(state.exitCode) \(state.error ?? "")")
        }
    }

    /// Listens again for the agent of a container that runs, and returns when it has called.
    ///
    /// If it throws, the container goes on.
    func takeOver(agent: AgentConfiguration, timeout: Duration) async throws(RuntimeError) {
        self.container.settle()
        let state = try await self.container.inspect()
        guard state.isRunning else { throw RuntimeError(.sandboxLost, "the container does not run") }
        let surroundings = self.surroundings
        try await surroundings.threads.run { () throws(RuntimeError) in
            try self.listen(with: agent) { $0.processID == state.processID }
        }
        do throws(RuntimeError) {
            _ = try await self.session.ready(within: timeout, endsOnFailure: false)
        } catch {
            // An agent that calls later waits for somebody else.
            self.listener.withLock { $0 }?.close()
            self.session.disconnect()
            throw error
        }
        self.wasReady.withLock { $0 = true }
    }

    /// Leaves the sandbox to whoever takes it over next; here it counts as gone. Returns `false` for one that is not up yet.
    func letGo() -> Bool {
        guard self.wasReady.withLock({ $0 }), !self.session.isEnding else { return false }
        self.listener.withLock { $0 }?.close()
        self.session.gone(SandboxEnd(reason: .stopped, detail: "it is left to another process"))
        return true
    }

    /// Ends one that may not have got a container; returns when nothing is left.
    func abandon() async {
        self.container.settle()
        await self.stop()
    }

    /// Begins the end and does not wait for it.
    func beginStop() { self.session.beginStop() }

    private func listen(
        with configuration: AgentConfiguration,
        for mayCall: @escaping @Sendable (AgentListener.Caller) -> Bool
    ) throws(RuntimeError) {
        let (session, first) = (self.session, self.caller)
        let listener = try AgentListener.open(
            in: self.surroundings.files.socketDirectory(of: self.id),
            for: self.fileOwner,
            reactor: self.surroundings.reactor
        ) { caller in
            guard mayCall(caller) else { return false }
            first.withLock { $0 = caller.processID }
            do throws(RuntimeError) {
                try session.connect(caller.socket, configuration)
            } catch {
                session.beginStop(SandboxEnd(reason: .protocolViolation, detail: error.message))
            }
            return true
        }
        self.listener.withLock { $0 = listener }
        // Whoever stopped it meanwhile could close nothing.
        if self.session.isEnding { listener.close() }
    }

    private func awaitAgent(within timeout: Duration) async throws(RuntimeError) -> AgentReady {
        // Until it has called, its end shows by that of the container alone.
        let isThere = self.caller.withLock { $0 } != nil
        let watch = isThere ? nil : Task { if await self.container.watchForExit() { self.session.beginStop(nil) } }
        defer { watch?.cancel() }
        return try await self.session.ready(within: timeout)
    }

    private func checkCaller() throws(RuntimeError) {
        let caller = self.caller.withLock { $0 }
        guard let caller, caller == self.container.processID else {
            throw RuntimeError(
                .unavailable,
                """
                the agent cannot be told from others: it is process \(self.container.processID) for the Docker daemon and \
                \(caller ?? 0) here; a worker in a container has to share the host's processes (--pid=host)
                """
            )
        }
    }

    private func checkIsWanted() throws(RuntimeError) {
        if Task.isCancelled || self.session.isEnding { throw RuntimeError(.cancelled, "the start was cancelled") }
    }

    private func writeRecord() async throws(RuntimeError) {
        let record = SandboxRecord(
            container: self.container.id,
            owner: self.owner,
            isUserOurs: self.isUserOurs,
            limits: self.session.limits
        )
        let path = self.surroundings.files.record(of: self.id)
        try await self.surroundings.threads.run { () throws(RuntimeError) in try record.write(to: path) }
    }

    private static func explain(_ error: EngineError) -> RuntimeError {
        if error.code == .notFound, error.message.lowercased().contains("image") {
            return RuntimeError(.unknownImage, error.message, cause: error)
        }
        return RuntimeError(error, trying: "start the container")
    }

    // MARK: Sandbox

    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport {
        var report = try await self.session.execute(order, limitsProcesses: !self.surroundings.limitsProcesses)
        if report.mayBeOutOfMemory, await self.container.memoryKills?.hasNew() == true { report.outcome = .outOfMemory }
        return report
    }

    func cancel(_ id: OrderID) async { self.session.cancel(id) }

    func apply(_ limits: ResourceLimits) async throws(RuntimeError) {
        try limits.validate()
        if let end = self.session.end { throw SandboxStateMachine.lost(end) }
        do throws(EngineError) {
            try await self.container.update(ContainerUpdate(limits, processors: self.surroundings.processors))
        } catch {
            if let end = self.session.end ?? self.session.reason { throw SandboxStateMachine.lost(end) }
            throw RuntimeError(.unsupported, "the limits cannot be set: \(error.message)", cause: error)
        }
        self.session.limits = limits
        try await self.writeRecord()
    }

    func stop() async { await self.session.stop() }

    func ended() async throws(CancellationError) -> SandboxEnd { try await self.session.ended() }

    /// What is known of the end, once it is over.
    var end: SandboxEnd? { self.session.end }
}
