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

    private struct State {
        var limits: ResourceLimits
        var processes: SandboxProcesses?
        /// Kills for want of memory that were seen before.
        var killCount = 0
        var waiters: [UInt64: CheckedContinuation<SandboxEnd?, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    let id: SandboxID
    let handle: String
    let fileOwner: FileOwner?

    private let resources: Resources
    private let reactor: Reactor
    private let threads: BlockingThreads
    /// Makes the plan of the groups for other limits.
    private let plan: @Sendable (ResourceLimits) -> ControlGroupPlan
    private let machine = Locked(SandboxStateMachine())
    private let state: Locked<State>
    private let connection: Locked<AgentConnection?>

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
        self.state = Locked(State(limits: spec.limits))
        self.connection = Locked(nil)
    }

    /// Host pid of the agent, for measurements and tests.
    var agentProcessID: Int32? { self.state.withLock { $0.processes }?.agentProcessID }

    /// Its control groups, for tests.
    var groupPaths: [String] { self.resources.group?.plan.groups ?? [] }

    /// What bwrap and the agent printed last.
    var printed: String { self.state.withLock { $0.processes }?.printed ?? "" }

    // MARK: Start

    /// Takes over a child and configures its agent. If it throws, ``abandon()`` has to follow.
    func attach(_ child: Launcher.Child, configuration: AgentConfiguration) throws(RuntimeError) {
        let processes = SandboxProcesses(reactor: self.reactor, child: child) { [self] end in self.dismantle(end) }
        let connection = AgentConnection(reactor: self.reactor) { [self] event in self.handle(event) }
        // If it throws, it has reaped the child, and the sandbox is to be abandoned.
        try processes.open()
        self.state.withLock { $0.processes = processes }
        // Whoever stopped it before could kill nothing.
        if self.machine.withLock({ $0.isEnding }) { processes.kill() }
        do throws(RuntimeError) {
            try connection.open(child.socket)
            self.connection.withLock { $0 = connection }
            connection.send(try Self.encode(.configure(configuration)))
        } catch {
            self.perform(self.machine.withLock { $0.stop(nil) })
            throw error
        }
    }

    /// Returns when the agent is ready.
    func ready() async throws(RuntimeError) -> AgentReady {
        let result = await withCheckedContinuation { continuation in
            self.perform(self.machine.withLock { $0.awaitReady { continuation.resume(returning: $0) } })
        }
        return try result.get()
    }

    /// Begins the end and does not wait for it.
    func beginStop() {
        self.perform(self.machine.withLock { $0.stop(SandboxEnd(reason: .stopped)) })
    }

    /// Ends one that may not have got a child; returns when nothing is left.
    func abandon() async {
        if self.state.withLock({ $0.processes }) == nil {
            _ = self.machine.withLock { $0.stop(nil) }
            self.dismantle(SandboxEnd(reason: .stopped))
        }
        await self.stop()
    }

    // MARK: Sandbox

    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport {
        if Task.isCancelled { throw RuntimeError(.cancelled, "cancelled before the order was given") }
        let limits = self.state.withLock { $0.limits }
        let request = ExecuteRequest(
            order,
            limits: limits,
            // Where a control group counts processes, it does so better.
            limitsProcesses: self.resources.group?.plan.enforcement[.pids] == nil
        )
        let frame = try Self.encode(.execute(request))
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let action = self.machine.withLock { machine in
                    machine.execute(request.id) { continuation.resume(returning: $0) }
                }
                if case .send = action {
                    self.connection.withLock { $0 }?.send(frame)
                    // A cancellation that came just before was about an order that the agent did not know.
                    if Task.isCancelled { self.sendCancel(request.id) }
                } else {
                    self.perform(action)
                }
            }
        } onCancel: {
            self.sendCancel(request.id)
        }
        var report = ExecutionReport(try result.get())
        if report.mayBeOutOfMemory, await self.wasOutOfMemory() { report.outcome = .outOfMemory }
        return report
    }

    func cancel(_ id: OrderID) async { self.sendCancel(AgentExecutionID(id.rawValue)) }

    func apply(_ limits: ResourceLimits) async throws(RuntimeError) {
        try limits.validate()
        if let end = self.machine.withLock({ $0.end }) { throw SandboxStateMachine.lost(end) }
        let plan = self.plan(limits)
        if let group = self.resources.group {
            try await self.threads.run { () throws(RuntimeError) in try group.apply(plan.settings) }
        }
        self.state.withLock { $0.limits = limits }
    }

    func stop() async {
        self.beginStop()
        // A cancelled task waits too: what it was told is gone must be gone.
        _ = await withCheckedContinuation { continuation in self.addWaiter(continuation) }
    }

    func ended() async throws(CancellationError) -> SandboxEnd {
        let number = self.state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let end = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.addWaiter(continuation, number: number)
                if Task.isCancelled { self.removeWaiter(number) }
            }
        } onCancel: {
            self.removeWaiter(number)
        }
        guard let end else { throw CancellationError() }
        return end
    }

    // MARK: Events, on the reactor's thread

    private func handle(_ event: AgentConnection.Event) {
        let action = self.machine.withLock { machine in
            switch event {
            case .message(let message): machine.received(message)
            case .broken(let error):
                machine.stop(SandboxEnd(reason: .protocolViolation, detail: error.message))
            case .closed: machine.stop(nil)
            }
        }
        self.perform(action)
    }

    /// Every process is gone: what the host kept goes too, then everybody is told.
    private func dismantle(_ end: SandboxEnd) {
        self.connection.withLock { $0 }?.close()
        self.threads.detach { [self] in
            var end = end
            if let group = self.resources.group {
                let kills = group.killCount()
                let known = self.state.withLock { $0.killCount }
                if kills > known, end.reason == .killed(signal: SIGKILL) { end.reason = .outOfMemory }
                _ = group.remove()
            }
            self.resources.release()
            self.perform(self.machine.withLock { $0.gone(end) })
        }
    }

    private func perform(_ action: SandboxStateMachine.Action) {
        switch action {
        case .none, .send: break
        case .answerReady(let answer, let ready): answer(.success(ready))
        case .answerOrder(let answer, let end): answer(.success(end))
        case .refuse(let answer, let error): answer(.failure(error))
        case .refuseReady(let answer, let error): answer(.failure(error))
        case .kill: self.state.withLock { $0.processes }?.kill()
        case .announce(let end, let ready, let order):
            let error = SandboxStateMachine.lost(end)
            ready?(.failure(error))
            order?(.failure(error))
            let waiters = self.state.withLock { state in
                defer { state.waiters = [:] }
                return state.waiters.values
            }
            for waiter in waiters { waiter.resume(returning: end) }
        }
    }

    private func sendCancel(_ id: AgentExecutionID) {
        // An id that does not fit a frame cannot be that of an order that runs.
        guard let frame = try? Self.encode(.cancel(id)) else { return }
        self.connection.withLock { $0 }?.send(frame)
    }

    private func addWaiter(_ continuation: CheckedContinuation<SandboxEnd?, Never>, number: UInt64? = nil) {
        self.state.withLock { state in
            state.nextWaiter += 1
            state.waiters[number ?? state.nextWaiter] = continuation
        }
        // The end may have been announced before that; who takes the waiter out resumes it.
        guard let end = self.machine.withLock({ $0.end }) else { return }
        let waiters = self.state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }

    private func removeWaiter(_ number: UInt64) {
        self.state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
    }

    private func wasOutOfMemory() async -> Bool {
        guard let group = self.resources.group else { return false }
        do throws(RuntimeError) {
            let kills = try await self.threads.run { () throws(RuntimeError) in group.killCount() }
            return self.state.withLock { state in
                defer { state.killCount = kills }
                return kills > state.killCount
            }
        } catch {
            // The runtime is being shut down: the report stays as the agent gave it.
            return false
        }
    }

    private static func encode(_ message: HostMessage) throws(RuntimeError) -> [UInt8] {
        do throws(ProtocolError) {
            return try message.encoded()
        } catch {
            throw RuntimeError(.invalidOrder, "the order does not fit: \(error.message)", cause: error)
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
