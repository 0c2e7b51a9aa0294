import SandboxRuntime
import ServiceKit

/// A runtime without processes: what a start and an execution do is a closure of the test.
final class ProgrammedRuntime: SandboxRuntime {
    typealias Program = @Sendable (ExecutionOrder, ProgrammedSandbox) async throws -> ExecutionReport

    private struct State: Sendable {
        var specs: [SandboxSpec] = []
        var live: [String: ProgrammedSandbox] = [:]
        var startFailures: [RuntimeError] = []
        var keeping: Set<SandboxID>?
    }

    let name = "programmed"
    private let state = Locked(State())
    private let program: Program
    /// Awaited by every start.
    private let startGate: Signal?

    init(
        startGate: Signal? = nil,
        program: @escaping Program = { order, _ in ExecutionReport(id: order.id, outcome: .exited(code: 0)) }
    ) {
        self.startGate = startGate
        self.program = program
    }

    /// Each start that follows throws the next of these.
    func failStarts(with errors: [RuntimeError]) { self.state.withLock { $0.startFailures = errors } }

    var specs: [SandboxSpec] { self.state.withLock { $0.specs } }
    var live: [String: ProgrammedSandbox] { self.state.withLock { $0.live } }

    func capabilities() async -> RuntimeCapabilities {
        RuntimeCapabilities(
            memory: .init(.none),
            cpu: .init(.none),
            processes: .init(.none),
            disk: .init(.none),
            isolatesNetwork: false,
            isolatesUsers: false,
            languages: [:],
            survivesRestart: false,
            images: ["known"]
        )
    }

    func resolve(image: String) throws(RuntimeError) {
        guard image == "known" else { throw RuntimeError(.unknownImage, "unknown image \(image); known: known") }
    }

    func start(_ spec: SandboxSpec) async throws(RuntimeError) -> any Sandbox {
        try self.resolve(image: spec.image)
        if let gate = self.startGate {
            do { try await gate.wait() } catch { throw RuntimeError(.cancelled, "cancelled") }
        }
        let failure = self.state.withLock { state in
            state.specs.append(spec)
            return state.startFailures.isEmpty ? nil : state.startFailures.removeFirst()
        }
        if let failure { throw failure }
        let sandbox = ProgrammedSandbox(id: spec.id, program: self.program) { [weak self] in
            _ = self?.state.withLock { $0.live.removeValue(forKey: spec.id.rawValue) }
        }
        self.state.withLock { $0.live[spec.id.rawValue] = sandbox }
        return sandbox
    }

    func recover() async -> [any Sandbox] { [] }

    func removeLeftovers(keeping known: Set<SandboxID>) async -> LeftoverReport {
        self.state.withLock { $0.keeping = known }
        return LeftoverReport()
    }

    func shutDown() async {}
}

final class ProgrammedSandbox: Sandbox {
    private struct State: Sendable {
        var end: SandboxEnd?
        var current: OrderID?
        var limits: ResourceLimits?
    }

    let id: SandboxID
    var handle: String { self.id.rawValue }
    let fileOwner: FileOwner? = nil
    private let state = Locked(State())
    private let program: ProgrammedRuntime.Program
    private let onEnd: @Sendable () -> Void
    let death = Signal()
    /// Fires with the first cancellation.
    let cancelled = Signal()

    init(id: SandboxID, program: @escaping ProgrammedRuntime.Program, onEnd: @escaping @Sendable () -> Void) {
        self.id = id
        self.program = program
        self.onEnd = onEnd
    }

    var limits: ResourceLimits? { self.state.withLock { $0.limits } }

    /// Suspends until the sandbox dies; then throws as a real one does.
    func waitForDeath() async throws(RuntimeError) -> Never {
        // Cancelled: the sandbox dies then as well.
        do { try await self.death.wait() } catch {}
        throw self.lost
    }

    private var lost: RuntimeError {
        RuntimeError(.sandboxLost, self.state.withLock { $0.end }.map { "\($0)" } ?? "cancelled")
    }

    func die(_ reason: SandboxEnd.Reason = .killed(signal: 9)) {
        let isFirst = self.state.withLock { state in
            guard state.end == nil else { return false }
            state.end = SandboxEnd(reason: reason)
            return true
        }
        guard isFirst else { return }
        self.onEnd()
        self.death.fire()
    }

    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport {
        let isBusy = self.state.withLock { state in
            defer { if state.current == nil { state.current = order.id } }
            return state.current != nil
        }
        if isBusy { throw RuntimeError(.busy, "one at a time") }
        defer { self.state.withLock { $0.current = nil } }
        if self.death.isFired { throw self.lost }
        do {
            return try await self.program(order, self)
        } catch let error as RuntimeError {
            throw error
        } catch {
            throw RuntimeError(.cancelled, "\(error)")
        }
    }

    func cancel(_ id: OrderID) async {
        if self.state.withLock({ $0.current }) == id { self.cancelled.fire() }
    }

    func apply(_ limits: ResourceLimits) async throws(RuntimeError) { self.state.withLock { $0.limits = limits } }

    func stop() async { self.die(.stopped) }

    func ended() async throws(CancellationError) -> SandboxEnd {
        do { try await self.death.wait() } catch { throw CancellationError() }
        return self.state.withLock { $0.end } ?? SandboxEnd(reason: .stopped)
    }
}
