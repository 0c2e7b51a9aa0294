import CSystem
import Glibc
import SandboxRuntime
import ServiceKit

/// The container of one sandbox, by its name: from before it is made until it is removed.
final class Container: Sendable {
    /// How it ended.
    struct Ending: Sendable {
        var end: SandboxEnd
        /// Whether nothing of it is left. Else the daemon could not be asked, and the reaper tries again.
        var isRemoved: Bool
    }

    private struct State {
        var id = ""
        /// Of PID 1, where we see it.
        var process: FileDescriptor?
        var processID: Int32 = 0
        var memoryKills: MemoryKills?
    }

    let name: String
    private let engine: EngineClient
    private let threads: BlockingThreads
    private let logger: Logger
    private let state = Locked(State())
    /// Fired when nothing is asked of the daemon any more that could make or start it.
    private let isSettled = Signal()

    init(name: String, engine: EngineClient, threads: BlockingThreads, logger: Logger) {
        self.name = name
        self.engine = engine
        self.threads = threads
        self.logger = logger
    }

    /// The daemon's; empty before it is made.
    var id: String { self.state.withLock { $0.id } }
    /// Of PID 1 on the daemon's host; 0 before it runs.
    var processID: Int32 { self.state.withLock { $0.processID } }
    var memoryKills: MemoryKills? { self.state.withLock { $0.memoryKills } }

    // MARK: Life

    /// Makes it; one of the same name that a dead process left is removed before.
    func create(_ request: ContainerRequest) async throws(EngineError) {
        let id: String
        do throws(EngineError) {
            id = try await self.engine.create(request, name: self.name)
        } catch {
            guard error.code == .conflict else { throw error }
            self.logger.info("Removing a container in the way", metadata: [LogKey.container: self.name])
            try await self.engine.remove(self.name)
            id = try await self.engine.create(request, name: self.name)
        }
        self.state.withLock { $0.id = id }
    }

    func start() async throws(EngineError) { try await self.engine.start(self.name) }

    /// It is made and started, or will not be: from now on it can be ended.
    func settle() { self.isSettled.fire() }

    /// Asks for its state, and takes hold of PID 1.
    func inspect() async throws(RuntimeError) -> InspectedContainer.State {
        let found: InspectedContainer
        do throws(EngineError) {
            found = try await self.engine.inspect(self.name)
        } catch {
            throw RuntimeError(error, trying: "look into the container")
        }
        self.state.withLock { state in
            state.id = found.id
            state.processID = found.state.processID
        }
        guard found.state.isRunning, found.state.processID > 0 else { return found.state }
        let (kills, process) = try await self.threads.run { () throws(RuntimeError) in
            (
                MemoryKills(
                    container: found.id,
                    processID: found.state.processID,
                    engine: self.engine,
                    threads: self.threads
                ),
                Self.open(found.state.processID, of: found.id)
            )
        }
        self.state.withLock { state in
            state.memoryKills = kills
            state.process = process
        }
        return found.state
    }

    /// Suspends until it does not run, or the task is cancelled. Returns whether it has ended.
    func watchForExit() async -> Bool {
        // A daemon that cannot be asked tells nothing of the container; others notice its end.
        do throws(EngineError) { try await self.engine.watchForExit(self.name) } catch { return false }
        return !Task.isCancelled
    }

    func update(_ limits: ContainerUpdate) async throws(EngineError) { try await self.engine.update(self.name, limits) }

    // MARK: The end

    /// Kills and removes it, whatever state it is in, once it is settled: else it could be made after it was removed.
    func end() async -> Ending {
        // Nothing but cancellation is thrown, and this task belongs to nobody who could.
        try? await self.isSettled.wait()
        // Without a word to the daemon: it works when that is gone, too.
        if let process = self.state.withLock({ $0.process }) { _ = csr_pidfd_signal(process.number, SIGKILL) }
        var problem: EngineError?
        for pause in [Duration.zero, .milliseconds(200), .seconds(1), .seconds(3)] {
            // Not cancelled, as above.
            if pause > .zero { try? await Task.sleep(for: pause) }
            do throws(EngineError) {
                return try await self.tearDown()
            } catch {
                problem = error
                // A conflict is a removal by somebody else that goes on.
                if !error.isRetriable, error.code != .conflict { break }
            }
        }
        let words = problem.map { "\($0)" } ?? ""
        self.logger.error(
            "A container cannot be removed",
            metadata: [LogKey.container: self.name, LogKey.error: words]
        )
        return Ending(
            end: SandboxEnd(reason: .killed(signal: SIGKILL), detail: "its container is not removed yet: \(words)"),
            isRemoved: false
        )
    }

    private func tearDown() async throws(EngineError) -> Ending {
        try await self.engine.kill(self.name)
        let end: SandboxEnd
        do throws(EngineError) {
            let status = try await self.engine.awaitExit(self.name)
            let state = try await self.engine.inspect(self.name).state
            let printed = try await self.engine.printed(self.name).trimmed
            end = SandboxEnd(
                reason: await self.reason(status, wasOutOfMemory: state.wasOutOfMemory),
                detail: printed.isEmpty ? state.error ?? "" : printed
            )
        } catch {
            guard error.code == .notFound else { throw error }
            // It was never made, or somebody has removed it.
            end = SandboxEnd(reason: .killed(signal: SIGKILL), detail: "there is no container")
        }
        try await self.engine.remove(self.name)
        return Ending(end: end, isRemoved: true)
    }

    private func reason(_ status: Int32, wasOutOfMemory: Bool) async -> SandboxEnd.Reason {
        // In the way of a shell.
        guard status > 128 else { return .exited(code: status) }
        if status == 128 + SIGKILL, await self.memoryKills?.explainEnd(isFlagged: wasOutOfMemory) ?? wasOutOfMemory {
            return .outOfMemory
        }
        return .killed(signal: status - 128)
    }

    /// PID 1, if this host's process of that number is it: its control group has the container's id for a name.
    private static func open(_ processID: Int32, of container: String) -> FileDescriptor? {
        let number = csr_pidfd_open(processID)
        guard number >= 0 else { return nil }
        let process = FileDescriptor(number)
        return TextFile.read("/proc/\(processID)/cgroup")?.contains(container) == true ? process : nil
    }
}
