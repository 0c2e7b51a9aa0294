internal import AgentProtocol
import Glibc
import ServiceKit

/// One sandbox made by bwrap: its processes, its socket, its control groups.
final class BubblewrapSandbox: Sandbox {
    /// What is released when the sandbox has ended.
    struct Resources: Sendable {
        var owner: FileOwner?
        var group: ControlGroup?
        /// Called once, when nothing of the sandbox is left.
        var release: @Sendable () -> Void
    }

    let id: SandboxID
    let handle: String
    let fileOwner: FileOwner?

    private let resources: Resources
    private let reactor: Reactor
    private let threads: BlockingThreads
    /// Makes the plan of the groups for other limits.
    private let plan: @Sendable (ResourceLimits) -> ControlGroupPlan
    private let session: AgentSession
    private let processes: Locked<SandboxProcesses?>
    /// Kills for want of memory that were seen before.
    private let killCount = Locked(0)

    init(
        spec: SandboxSpec,
        resources: Resources,
        reactor: Reactor,
        threads: BlockingThreads,
        plan: @escaping @Sendable (ResourceLimits) -> ControlGroupPlan
    ) {
        self.id = spec.id
        self.handle = Self.makeHandle()
        self.fileOwner = resources.owner
        self.resources = resources
        self.reactor = reactor
        self.threads = threads
        self.plan = plan
        let processes = Locked<SandboxProcesses?>(nil)
        self.processes = processes
        self.session = AgentSession(limits: spec.limits, reactor: reactor) { _ in processes.withLock { $0 }?.kill() }
    }

    /// Host pid of the agent, for measurements and tests.
    var agentProcessID: Int32? { self.processes.withLock { $0 }?.agentProcessID }

    /// Its control groups, for tests.
    var groupPaths: [String] { self.resources.group?.plan.groups ?? [] }

    /// What bwrap and the agent printed last.
    var printed: String { self.processes.withLock { $0 }?.printed ?? "" }

    // MARK: Start

    /// Takes over a child and configures its agent. If it throws, ``abandon()`` has to follow.
    func attach(_ child: Launcher.Child, configuration: AgentConfiguration) throws(RuntimeError) {
        let processes = SandboxProcesses(reactor: self.reactor, child: child) { [self] end in self.dismantle(end) }
        // If it throws, it has reaped the child, and the sandbox is to be abandoned.
        try processes.open()
        self.processes.withLock { $0 = processes }
        // Whoever stopped it before could kill nothing.
        if self.session.isEnding { processes.kill() }
        do throws(RuntimeError) {
            try self.session.connect(child.socket, configuration)
        } catch {
            self.session.beginStop(nil)
            throw error
        }
    }

    /// Returns when the agent is ready. If it throws, the end has begun.
    func ready(within timeout: Duration) async throws(RuntimeError) -> AgentReady {
        try await self.session.ready(within: timeout)
    }

    /// Begins the end and does not wait for it.
    func beginStop() { self.session.beginStop() }

    /// Ends one that may not have got a child; returns when nothing is left.
    func abandon() async {
        if self.processes.withLock({ $0 }) == nil {
            self.session.giveUp()
            self.dismantle(SandboxEnd(reason: .stopped))
        }
        await self.stop()
    }

    // MARK: Sandbox

    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport {
        // Where a control group counts processes, it does so better.
        let limitsProcesses = self.resources.group?.plan.enforcement[.pids] == nil
        var report = try await self.session.execute(order, limitsProcesses: limitsProcesses)
        if report.mayBeOutOfMemory, await self.wasOutOfMemory() { report.outcome = .outOfMemory }
        return report
    }

    func cancel(_ id: OrderID) async { self.session.cancel(id) }

    func apply(_ limits: ResourceLimits) async throws(RuntimeError) {
        try limits.validate()
        if let end = self.session.end { throw SandboxStateMachine.lost(end) }
        let plan = self.plan(limits)
        if let group = self.resources.group {
            try await self.threads.run { () throws(RuntimeError) in try group.apply(plan.settings) }
        }
        self.session.limits = limits
    }

    func stop() async { await self.session.stop() }

    func ended() async throws(CancellationError) -> SandboxEnd { try await self.session.ended() }

    // MARK: The end

    /// Every process is gone: what the host kept goes too, then everybody is told.
    private func dismantle(_ end: SandboxEnd) {
        self.session.disconnect()
        self.threads.detach { [self] in
            var end = end
            if let group = self.resources.group {
                let kills = group.killCount()
                let known = self.killCount.withLock { $0 }
                if kills > known, end.reason == .killed(signal: SIGKILL) { end.reason = .outOfMemory }
                _ = group.remove()
            }
            self.resources.release()
            self.session.gone(end)
        }
    }

    private func wasOutOfMemory() async -> Bool {
        guard let group = self.resources.group else { return false }
        do throws(RuntimeError) {
            let kills = try await self.threads.run { () throws(RuntimeError) in group.killCount() }
            return self.killCount.withLock { known in
                defer { known = kills }
                return kills > known
            }
        } catch {
            // The runtime is being shut down: the report stays as the agent gave it.
            return false
        }
    }

    private static func makeHandle() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let part = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - part.count) + part
        }.joined()
    }
}
