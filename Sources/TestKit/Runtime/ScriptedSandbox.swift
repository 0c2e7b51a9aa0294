import SandboxRuntime
import ServiceKit

/// A sandbox of a ``ScriptedRuntime``: as real as its script.
final class ScriptedSandbox: Sandbox {
    private struct State {
        /// The order that runs, and what cancels it.
        var running: (id: OrderID, cancelled: Signal)?
        /// Orders it survives yet; `nil` for any number.
        var lifetime: Int?
        var end: SandboxEnd?
    }

    let id: SandboxID
    let handle: String
    let fileOwner: FileOwner? = nil
    private let runtime: ScriptedRuntime
    private let state: Locked<State>
    private let hasEnded = Signal()

    init(id: SandboxID, number: Int, lifetime: Int?, runtime: ScriptedRuntime) {
        self.id = id
        self.handle = "scripted-\(number)-\(id)"
        self.runtime = runtime
        self.state = Locked(State(lifetime: lifetime))
    }

    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport {
        if Task.isCancelled { throw RuntimeError(.cancelled, "cancelled before the order was given") }
        let cancelled = Signal()
        let (problem, isLast) = self.state.withLock { state in
            if let end = state.end { return (Self.lost(end) as RuntimeError?, false) }
            if state.running != nil { return (RuntimeError(.busy, "the sandbox is busy"), false) }
            state.running = (order.id, cancelled)
            defer { state.lifetime = state.lifetime.map { $0 - 1 } }
            return (nil, state.lifetime == 0)
        }
        if let problem { throw problem }
        self.runtime.note(.execute(self.id, order.id))
        let script = self.runtime.script
        if isLast { self.end(script.death) }
        let report = await self.race(order, script: script, cancelled: cancelled)
        let end = self.state.withLock { state in
            state.running = nil
            return state.end
        }
        if let end { throw Self.lost(end) }
        return report
    }

    func cancel(_ id: OrderID) async {
        self.runtime.note(.cancel(self.id, id))
        self.state.withLock { state in state.running?.id == id ? state.running?.cancelled : nil }?.fire()
    }

    func apply(_ limits: ResourceLimits) async throws(RuntimeError) {
        self.runtime.note(.apply(self.id, limits))
        if let end = self.state.withLock({ $0.end }) { throw Self.lost(end) }
        if let error = self.runtime.script.applyError { throw error }
    }

    func stop() async {
        self.runtime.note(.stop(self.id))
        // A stop goes on when the task is cancelled, gate or not.
        try? await self.runtime.script.stopGate?.wait()
        self.end(SandboxEnd(reason: .stopped))
    }

    func ended() async throws(CancellationError) -> SandboxEnd {
        do { try await self.hasEnded.wait() } catch { throw CancellationError() }
        return self.state.withLock { $0.end } ?? SandboxEnd(reason: .stopped)
    }

    func end(_ end: SandboxEnd) {
        let isFirst = self.state.withLock { state in
            guard state.end == nil else { return false }
            state.end = end
            return true
        }
        guard isFirst else { return }
        self.runtime.remove(self.id)
        self.hasEnded.fire()
    }

    /// The script's outcome, unless the order is cancelled or the sandbox ends first.
    private func race(
        _ order: ExecutionOrder,
        script: ScriptedRuntime.Script,
        cancelled: Signal
    ) async -> ExecutionReport {
        let ended = self.hasEnded
        return await withTaskGroup(of: ExecutionReport?.self) { group in
            group.addTask {
                let report = await script.outcome(order, self.id)
                // What was cut short says nothing: who cut it answers.
                return Task.isCancelled ? nil : report
            }
            group.addTask {
                // Interrupted when the task is cancelled, which cancels the order, or when another was first.
                try? await cancelled.wait()
                return ExecutionReport(id: order.id, outcome: .cancelled)
            }
            group.addTask {
                // Interrupted when another was first, or with the whole task.
                guard (try? await ended.wait()) != nil else { return nil }
                return ExecutionReport(id: order.id, outcome: .signaled(9))
            }
            var first: ExecutionReport?
            while first == nil, let next = await group.next() { first = next }
            group.cancelAll()
            return first ?? ExecutionReport(id: order.id, outcome: .cancelled)
        }
    }

    private static func lost(_ end: SandboxEnd) -> RuntimeError {
        RuntimeError(.sandboxLost, "the sandbox is gone: \(end)")
    }
}
