internal import Foundation
import SandboxRuntime
import ServiceKit

/// Tells whether processes of a container were killed for want of memory.
///
/// Read from the container's control group where this process sees it, which is exact and at once; else from what the
/// daemon tells, a moment later.
final class MemoryKills: Sendable {
    private struct State {
        /// Kills that were seen before.
        var known = 0
        var lastSeen: Date
    }

    private let engine: EngineClient
    private let container: String
    private let threads: BlockingThreads
    /// Of the control group; `nil` if it is out of sight.
    private let file: String?
    private let state: Locked<State>

    /// Blocks briefly.
    ///
    /// - Parameter processID: Of PID 1, on this host.
    init(container: String, processID: Int32, engine: EngineClient, threads: BlockingThreads) {
        self.container = container
        self.engine = engine
        self.threads = threads
        self.file = Self.findFile(processID)
        self.state = Locked(State(lastSeen: Date()))
    }

    /// Whether there were some since it was asked before.
    func hasNew() async -> Bool {
        guard let file = self.file else { return await self.askEngine() }
        do throws(RuntimeError) {
            let count = try await self.threads.run { () throws(RuntimeError) in
                ControlGroupPlan.killCount(in: TextFile.read(file) ?? "")
            }
            return self.state.withLock { state in
                guard count > state.known else { return false }
                state.known = count
                state.lastSeen = Date()
                return true
            }
        } catch {
            // The runtime is being shut down: the report stays as the agent gave it.
            return false
        }
    }

    /// Whether the end of the container was one.
    ///
    /// - Parameter isFlagged: Whether the daemon says that any process was ever killed so.
    func explainEnd(isFlagged: Bool) async -> Bool {
        guard isFlagged else { return false }
        return self.state.withLock { $0.known } == 0 ? true : await self.askEngine()
    }

    private func askEngine() async -> Bool {
        let start = self.state.withLock { $0.lastSeen }
        do throws(EngineError) {
            guard try await self.engine.countOutOfMemory(self.container, since: start) > 0 else { return false }
            self.state.withLock { state in
                state.known += 1
                state.lastSeen = Date()
            }
            return true
        } catch {
            // Then it is told as what it looks like: killed.
            return false
        }
    }

    private static func findFile(_ processID: Int32) -> String? {
        guard let membership = TextFile.read("/proc/\(processID)/cgroup") else { return nil }
        let layout = ControlGroupLayout(
            mounts: TextFile.read("/proc/self/mountinfo") ?? "",
            membership: membership,
            v2Controllers: { TextFile.read("\($0)/cgroup.controllers") }
        )
        guard let place = layout.places[.memory] else { return nil }
        let name =
            switch place.version {
            case .v1: "memory.oom_control"
            case .v2: "memory.events"
            }
        let file = "\(place.directory)/\(name)"
        return TextFile.read(file) == nil ? nil : file
    }
}
