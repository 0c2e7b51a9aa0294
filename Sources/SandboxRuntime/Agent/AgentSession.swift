package import AgentProtocol
import ServiceKit

/// One sandbox's life as its agent and those who wait for it see it: orders, their answers, the end.
///
/// A runtime lends it a connection and the means to kill; it is told by ``gone(_:)`` when nothing of the sandbox is left.
package final class AgentSession: Sendable {
    private struct State {
        var limits: ResourceLimits
        var waiters: [UInt64: CheckedContinuation<SandboxEnd?, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let reactor: Reactor
    private let kill: @Sendable (AgentSession) -> Void
    private let machine = Locked(SandboxStateMachine())
    private let state: Locked<State>
    private let connection = Locked<AgentConnection?>(nil)

    /// - Parameter kill: Begins to kill what is left of the sandbox; ``gone(_:)`` has to follow. Called once, on any
    ///   thread, and must not block.
    package init(limits: ResourceLimits, reactor: Reactor, kill: @escaping @Sendable (AgentSession) -> Void) {
        self.state = Locked(State(limits: limits))
        self.reactor = reactor
        self.kill = kill
    }

    /// The ceilings that orders get. Whoever sets them has put them in force.
    package var limits: ResourceLimits {
        get { self.state.withLock { $0.limits } }
        set { self.state.withLock { $0.limits = newValue } }
    }

    package var isEnding: Bool { self.machine.withLock { $0.isEnding } }
    /// Why it ends, if that was known before its processes were gone.
    package var reason: SandboxEnd? {
        self.machine.withLock { machine in
            if case .ending(let reason, _, _) = machine.state { reason } else { nil }
        }
    }
    /// `nil` while something of the sandbox may be left.
    package var end: SandboxEnd? { self.machine.withLock { $0.end } }

    // MARK: Start

    /// Takes the socket to the agent, and configures it.
    package func connect(_ socket: FileDescriptor, _ configuration: AgentConfiguration) throws(RuntimeError) {
        let connection = AgentConnection(reactor: self.reactor) { [self] event in self.handle(event) }
        try connection.open(socket)
        self.connection.withLock { $0 = connection }
        connection.send(try Self.encode(.configure(configuration)))
    }

    /// Closes our side of the connection. The end of the sandbox is not begun by that.
    package func disconnect() { self.connection.withLock { $0 }?.close() }

    /// Returns when the agent is ready.
    ///
    /// - Parameter endsOnFailure: Whether the end has begun when this throws. Defaults to yes.
    /// - Throws: ``RuntimeError/Code/startTimedOut``, ``RuntimeError/Code/cancelled``,
    ///   ``RuntimeError/Code/sandboxLost``.
    package func ready(
        within timeout: Duration,
        endsOnFailure: Bool = true
    ) async throws(RuntimeError) -> AgentReady {
        let result = await withTaskGroup(of: Result<AgentReady, RuntimeError>.self) { group in
            group.addTask { await self.ready() }
            group.addTask {
                do {
                    try await Task.sleep(for: timeout)
                    return .failure(RuntimeError(.startTimedOut, "the agent was not ready after \(timeout)"))
                } catch {
                    return .failure(Self.cancelledStart)
                }
            }
            var first = await group.next() ?? .failure(RuntimeError(.startFailed, "nothing was awaited"))
            // It may be ready all the same: who cancelled wants none.
            if Task.isCancelled { first = .failure(Self.cancelledStart) }
            group.cancelAll()
            // Then the other task has its answer too.
            if case .failure(let error) = first {
                if endsOnFailure { self.beginStop() }
                self.perform(self.machine.withLock { $0.stopAwaitingReady(error) })
            }
            return first
        }
        return try result.get()
    }

    private static var cancelledStart: RuntimeError { RuntimeError(.cancelled, "the start was cancelled") }

    private func ready() async -> Result<AgentReady, RuntimeError> {
        await withCheckedContinuation { continuation in
            self.perform(self.machine.withLock { $0.awaitReady { continuation.resume(returning: $0) } })
        }
    }

    // MARK: Orders

    /// Runs an order; see ``Sandbox/execute(_:)``.
    ///
    /// - Parameter limitsProcesses: Whether the agent counts processes, for want of something better.
    package func execute(
        _ order: ExecutionOrder,
        limitsProcesses: Bool
    ) async throws(RuntimeError) -> ExecutionReport {
        if Task.isCancelled { throw RuntimeError(.cancelled, "cancelled before the order was given") }
        let request = ExecuteRequest(order, limits: self.limits, limitsProcesses: limitsProcesses)
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
        return ExecutionReport(try result.get())
    }

    package func cancel(_ id: OrderID) { self.sendCancel(AgentExecutionID(id.rawValue)) }

    private func sendCancel(_ id: AgentExecutionID) {
        // An id that does not fit a frame cannot be that of an order that runs.
        guard let frame = try? Self.encode(.cancel(id)) else { return }
        self.connection.withLock { $0 }?.send(frame)
    }

    // MARK: The end

    /// Begins the end and does not wait for it. The first reason stands; `nil` leaves it to how the processes ended.
    package func beginStop(_ reason: SandboxEnd? = SandboxEnd(reason: .stopped)) {
        self.perform(self.machine.withLock { $0.stop(reason) })
    }

    /// Notes the end without asking for a kill: for one that has got no process yet. ``gone(_:)`` has to follow.
    package func giveUp() { _ = self.machine.withLock { $0.stop(nil) } }

    /// Nothing of the sandbox is left: everybody is told.
    ///
    /// - Parameter observed: How the processes ended, for when no reason was known before.
    package func gone(_ observed: SandboxEnd) {
        self.disconnect()
        self.perform(self.machine.withLock { $0.gone(observed) })
    }

    /// Ends the sandbox; returns when nothing of it is left. A cancelled task waits too: what it was told is gone must be.
    package func stop() async {
        self.beginStop()
        _ = await withCheckedContinuation { continuation in self.addWaiter(continuation) }
    }

    /// See ``Sandbox/ended()``.
    package func ended() async throws(CancellationError) -> SandboxEnd {
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

    private func addWaiter(_ continuation: CheckedContinuation<SandboxEnd?, Never>, number: UInt64? = nil) {
        self.state.withLock { state in
            state.nextWaiter += 1
            state.waiters[number ?? state.nextWaiter] = continuation
        }
        // The end may have been announced before that; who takes the waiter out resumes it.
        guard let end = self.end else { return }
        for waiter in self.takeWaiters() { waiter.resume(returning: end) }
    }

    private func removeWaiter(_ number: UInt64) {
        self.state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
    }

    private func takeWaiters() -> [CheckedContinuation<SandboxEnd?, Never>] {
        self.state.withLock { state in
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
    }

    // MARK: Events

    /// On the reactor's thread.
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

    private func perform(_ action: SandboxStateMachine.Action) {
        switch action {
        case .none, .send: break
        case .answerReady(let answer, let ready): answer(.success(ready))
        case .answerOrder(let answer, let end): answer(.success(end))
        case .refuse(let answer, let error): answer(.failure(error))
        case .refuseReady(let answer, let error): answer(.failure(error))
        case .kill: self.kill(self)
        case .announce(let end, let ready, let order):
            let error = SandboxStateMachine.lost(end)
            ready?(.failure(error))
            order?(.failure(error))
            for waiter in self.takeWaiters() { waiter.resume(returning: end) }
        }
    }

    private static func encode(_ message: HostMessage) throws(RuntimeError) -> [UInt8] {
        do throws(ProtocolError) {
            return try message.encoded()
        } catch {
            throw RuntimeError(.invalidOrder, "the order does not fit: \(error.message)", cause: error)
        }
    }
}
