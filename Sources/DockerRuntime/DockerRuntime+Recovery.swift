public import SandboxRuntime
import ServiceKit

extension DockerRuntime {
    /// How long an agent may take to call again: it waits for nothing else.
    private static let recoveryTimeout = Duration.seconds(5)

    /// Takes over the containers that run. One that cannot be is told in the log and left as it is:
    /// ``removeLeftovers(keeping:)`` ends it if nobody knows it.
    public func recover() async -> [any Sandbox] {
        let listed: [ListedContainer]
        do throws(EngineError) {
            listed = try await self.engine.containers(
                label: ContainerPlan.Label.instance,
                value: self.store.instance
            )
        } catch {
            self.logger.error("Containers cannot be listed", metadata: [LogKey.error: "\(error)"])
            return []
        }
        return await withTaskGroup(of: DockerSandbox?.self) { group in
            for container in listed where container.state == "running" {
                group.addTask { await self.recoverOrTell(container) }
            }
            var found: [any Sandbox] = []
            for await sandbox in group { if let sandbox { found.append(sandbox) } }
            return found
        }
    }

    private func recoverOrTell(_ container: ListedContainer) async -> DockerSandbox? {
        do throws(RuntimeError) {
            return try await self.recover(container)
        } catch {
            self.logger.warning(
                "A container cannot be taken over",
                metadata: [LogKey.container: container.id, LogKey.error: "\(error)"]
            )
            return nil
        }
    }

    /// `nil` for one that is known already.
    private func recover(_ listed: ListedContainer) async throws(RuntimeError) -> DockerSandbox? {
        let labels = listed.labels ?? [:]
        guard labels[ContainerPlan.Label.version] == ContainerPlan.Label.currentVersion else {
            throw RuntimeError(.unsupported, "it was made by another version")
        }
        let id = try SandboxID(labels[ContainerPlan.Label.sandbox] ?? "")
        if self.state.withLock({ $0.claimed.contains(id) }) { return nil }
        try self.claim(id)
        do throws(RuntimeError) {
            return try await self.takeOver(id, listed.id)
        } catch {
            self.release(id, user: nil)
            throw error
        }
    }

    private func takeOver(_ id: SandboxID, _ container: String) async throws(RuntimeError) -> DockerSandbox {
        let path = self.files.record(of: id)
        let record = try await self.threads.run { () throws(RuntimeError) in SandboxRecord.read(path) }
        guard let record, record.container == container else {
            throw RuntimeError(.sandboxLost, "\(path) tells nothing of it")
        }
        // One of ours is its own since this runtime began.
        guard !record.isUserOurs || self.state.withLock({ $0.users.contains(record.user) }) else {
            throw RuntimeError(.unsupported, "its user id \(record.user) is none of ours any more")
        }
        let sandbox = self.makeSandbox(
            id,
            limits: record.limits,
            owner: record.owner,
            isUserOurs: record.isUserOurs
        )
        // What the agent keeps warm was told to it when it began.
        try await sandbox.takeOver(agent: self.agentConfiguration([]), timeout: Self.recoveryTimeout)
        let isClosed = self.state.withLock { state in
            if !state.isClosed { state.sandboxes[id] = sandbox }
            return state.isClosed
        }
        if isClosed {
            _ = sandbox.letGo()
            throw RuntimeError(.unavailable, "the runtime is shut down")
        }
        self.logger.info(
            "Took a sandbox over",
            metadata: [LogKey.sandbox: "\(id)", LogKey.container: container]
        )
        return sandbox
    }
}
