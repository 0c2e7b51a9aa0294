import Messages
import SandboxRuntime
import ServiceKit

/// Keeps sandboxes ready, so that a session is normally claimed and not started.
final class WarmPool: Sendable {
    private let machine: Locked<WarmPoolStateMachine<any Sandbox>>
    /// Containers whose folder is the pool's: from before it is made until it is claimed or removed.
    private let owned = Locked<Set<String>>([])
    private let runtime: any SandboxRuntime
    private let folders: SandboxFolders
    private let gate: StartGate
    private let logger: Logger
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    init(
        targets: [PoolShape: Int],
        runtime: any SandboxRuntime,
        folders: SandboxFolders,
        gate: StartGate,
        logger: Logger
    ) {
        self.machine = Locked(WarmPoolStateMachine(targets: targets))
        self.runtime = runtime
        self.folders = folders
        self.gate = gate
        self.logger = logger
        (self.changes, self.changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The ceilings that a waiting sandbox has until it is claimed: those of the template `python-basic`, so that most
    /// claims change nothing.
    static let limits = ResourceLimits(cpuCores: 1, memoryBytes: 512 << 20, diskBytes: 1 << 30, maxProcesses: 128)

    var readyCounts: [PoolShape: Int] { self.machine.withLock { $0.readyCounts } }

    var containers: Set<String> { self.owned.withLock { $0 } }

    func owns(_ container: String) -> Bool { self.owned.withLock { $0.contains(container) } }

    /// Takes a ready sandbox; `nil` if none waits. Another one is started soon.
    ///
    /// - Parameter adopt: Told the container, and makes it the caller's before it is no longer the pool's.
    func claim(_ shape: PoolShape, adopt: (String) -> Void) -> (any Sandbox)? {
        guard let entry = self.machine.withLock({ $0.claim(shape, now: .now) }) else { return nil }
        adopt(entry.id)
        self.disown(entry.id)
        self.changed.yield()
        return entry.handle
    }

    private func disown(_ container: String) { _ = self.owned.withLock { $0.remove(container) } }

    /// Fills the pool, and fills it again, until the task is cancelled; then ends what waits.
    func run() async {
        await withDiscardingTaskGroup { group in
            var changes = self.changes.makeAsyncIterator()
            while !Task.isCancelled {
                for shape in self.machine.withLock({ $0.starts(now: .now) }) {
                    group.addTask { await self.tend(shape) }
                }
                if let start = self.machine.withLock({ $0.nextStart }) {
                    // Fires late rather than twice: a change meanwhile only makes the loop look again.
                    group.addTask { await self.wake(at: start) }
                }
                _ = await changes.next()
            }
            for entry in self.machine.withLock({ $0.close() }) {
                group.addTask { await self.discard(entry.handle) }
            }
            group.cancelAll()
        }
    }

    private func wake(at instant: ContinuousClock.Instant) async {
        // Cancelled: the pool is closing, and looks for itself.
        do { try await Task.sleep(until: instant, clock: .continuous) } catch { return }
        self.changed.yield()
    }

    /// Starts one sandbox and stays with it until it is dead.
    private func tend(_ shape: PoolShape) async {
        let container = ContainerID.make().rawValue
        self.owned.withLock { _ = $0.insert(container) }
        let sandbox: any Sandbox
        do {
            sandbox = try await self.gate.run(.pool) { try await self.start(shape, container) }
        } catch {
            self.machine.withLock { $0.startFailed(shape, now: .now) }
            self.changed.yield()
            if !Task.isCancelled {
                self.logger.warning(
                    "A sandbox for the warm pool did not start",
                    metadata: [LogKey.image: shape.image, LogKey.error: "\(error)"]
                )
            }
            await self.removeFolder(container)
            return
        }
        let action = self.machine.withLock { $0.started(shape, id: container, handle: sandbox) }
        // After a failure the others waited for this one.
        self.changed.yield()
        if action == .discard {
            await self.discard(sandbox)
            return
        }
        // Cancelled: what waits is ended by `run`, what was claimed is its session's.
        guard let end = try? await sandbox.ended() else { return }
        if self.machine.withLock({ $0.died(shape, id: container, now: .now) }) {
            self.changed.yield()
            self.logger.warning(
                "A sandbox of the warm pool died",
                metadata: [LogKey.container: container, LogKey.reason: "\(end)"]
            )
            await self.removeFolder(container)
        }
    }

    private func start(_ shape: PoolShape, _ container: String) async throws -> any Sandbox {
        try self.runtime.resolve(image: shape.image)
        try await self.folders.create(container, isPooled: true)
        return try await self.runtime.start(
            SandboxSpec(
                id: try SandboxID(container),
                image: shape.image,
                runtimeType: shape.runtimeType,
                limits: Self.limits,
                warmLanguages: SandboxShape.warmLanguages(of: shape.runtimeType),
                directory: self.folders.directory(of: container)
            )
        )
    }

    private func discard(_ sandbox: any Sandbox) async {
        await sandbox.stop()
        await self.removeFolder(sandbox.id.rawValue)
    }

    private func removeFolder(_ container: String) async {
        do { try await self.folders.remove(container) } catch {
            // The mark is still in it: the next boot removes it.
            self.logger.warning(
                "A folder of the warm pool could not be removed",
                metadata: [LogKey.container: container, LogKey.error: "\(error)"]
            )
        }
        self.disown(container)
    }
}
