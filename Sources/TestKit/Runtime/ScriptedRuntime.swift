public import SandboxRuntime
public import ServiceKit

/// A runtime without processes whose faults are data: for tests of those who use one.
///
/// It keeps the promises of `SandboxRuntimeContract` that need no real code, redundant ones included: one order at a
/// time, ends that are told once, starts that leave nothing when they fail.
public final class ScriptedRuntime: SandboxRuntime {
    /// What goes wrong, and when. Nothing by default.
    public struct Script: Sendable {
        /// So many starts fail first, with this error.
        public var failingStarts = 0
        public var startError = RuntimeError(.startFailed, "scripted")
        /// A start waits for it.
        public var startGate: Signal?
        /// Names that are known. Defaults to `python-basic`.
        public var images: Set<String> = ["python-basic"]
        /// How an order ends. Defaults to exit code 0 and `null` in no time.
        public var outcome: @Sendable (ExecutionOrder, SandboxID) async -> ExecutionReport = { order, _ in
            ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        /// A sandbox dies in the order after so many: `[0]` for one that dies in its first. By start, the first first;
        /// those beyond live.
        public var dyingAfter: [Int] = []
        /// How those die.
        public var death = SandboxEnd(reason: .killed(signal: 9), detail: "scripted")
        /// Setting other limits fails with this.
        public var applyError: RuntimeError?
        /// A stop waits for it.
        public var stopGate: Signal?
        /// What is there from before.
        public var recovered: [SandboxID] = []

        public init() {}
    }

    /// What was asked of the runtime, in order.
    public enum Call: Sendable, Equatable {
        case start(SandboxID)
        case execute(SandboxID, OrderID)
        case cancel(SandboxID, OrderID)
        case apply(SandboxID, ResourceLimits)
        case stop(SandboxID)
    }

    private struct State {
        var script: Script
        var starts = 0
        var sandboxes: [SandboxID: ScriptedSandbox] = [:]
        var starting: Set<SandboxID> = []
        var calls: [Call] = []
        var isShutDown = false
    }

    public let name = "scripted"
    private let state: Locked<State>

    public init(_ script: Script = Script()) {
        self.state = Locked(State(script: script))
    }

    /// What was asked so far.
    public var calls: [Call] { self.state.withLock { $0.calls } }

    /// Ids that run now.
    public var running: Set<SandboxID> { Set(self.state.withLock { $0.sandboxes }.keys) }

    /// Changes the script for what comes.
    public func rewrite(_ change: @Sendable (inout Script) -> Void) {
        self.state.withLock { change(&$0.script) }
    }

    /// Ends a sandbox that runs, as if it had died by itself.
    public func kill(_ id: SandboxID, _ end: SandboxEnd = SandboxEnd(reason: .killed(signal: 9))) {
        self.state.withLock { $0.sandboxes[id] }?.end(end)
    }

    public func capabilities() async -> RuntimeCapabilities {
        RuntimeCapabilities(
            memory: RuntimeCapabilities.Limit(.none, note: "scripted"),
            cpu: RuntimeCapabilities.Limit(.none, note: "scripted"),
            processes: RuntimeCapabilities.Limit(.none, note: "scripted"),
            disk: RuntimeCapabilities.Limit(.none, note: "scripted"),
            isolatesNetwork: true,
            isolatesUsers: true,
            languages: Dictionary(uniqueKeysWithValues: CodeLanguage.allCases.map { ($0, .available) }),
            survivesRestart: !self.state.withLock { $0.script.recovered }.isEmpty,
            images: self.state.withLock { $0.script.images }.sorted()
        )
    }

    public func resolve(image: String) throws(RuntimeError) {
        let known = self.state.withLock { $0.script.images }
        guard !known.contains(image) else { return }
        let names = known.sorted().joined(separator: ", ")
        throw RuntimeError(.unknownImage, "no image is called \(image); known are: \(names)")
    }

    public func start(_ spec: SandboxSpec) async throws(RuntimeError) -> any Sandbox {
        try self.resolve(image: spec.image)
        let (problem, number, script) = self.state.withLock { state in
            state.calls.append(.start(spec.id))
            let script = state.script
            if state.isShutDown {
                return (RuntimeError(.unavailable, "the runtime is shut down") as RuntimeError?, 0, script)
            }
            if state.script.failingStarts > 0 {
                state.script.failingStarts -= 1
                return (script.startError, 0, script)
            }
            guard state.sandboxes[spec.id] == nil, state.starting.insert(spec.id).inserted else {
                return (RuntimeError(.invalidSpec, "a sandbox \(spec.id) runs already"), 0, script)
            }
            state.starts += 1
            return (nil, state.starts, script)
        }
        if let problem { throw problem }
        do {
            try Task.checkCancellation()
            try await script.startGate?.wait()
        } catch {
            self.state.withLock { _ = $0.starting.remove(spec.id) }
            throw RuntimeError(.cancelled, "the start was cancelled", cause: error)
        }
        let lifetime = script.dyingAfter.indices.contains(number - 1) ? script.dyingAfter[number - 1] : nil
        return self.add(ScriptedSandbox(id: spec.id, number: number, lifetime: lifetime, runtime: self))
    }

    public func recover() async -> [any Sandbox] {
        let ids = self.state.withLock { state in
            state.script.recovered.filter { state.sandboxes[$0] == nil }
        }
        return ids.map { self.add(ScriptedSandbox(id: $0, number: 0, lifetime: nil, runtime: self)) }
    }

    public func removeLeftovers(keeping known: Set<SandboxID>) async -> LeftoverReport { LeftoverReport() }

    public func shutDown() async {
        let sandboxes = self.state.withLock { state in
            state.isShutDown = true
            return Array(state.sandboxes.values)
        }
        for sandbox in sandboxes { await sandbox.stop() }
    }

    var script: Script { self.state.withLock { $0.script } }

    func note(_ call: Call) { self.state.withLock { $0.calls.append(call) } }

    func remove(_ id: SandboxID) { self.state.withLock { $0.sandboxes[id] = nil } }

    private func add(_ sandbox: ScriptedSandbox) -> ScriptedSandbox {
        self.state.withLock { state in
            state.starting.remove(sandbox.id)
            state.sandboxes[sandbox.id] = sandbox
        }
        return sandbox
    }
}
