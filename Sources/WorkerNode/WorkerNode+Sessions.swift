import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

extension WorkerNode {
    /// Sees to one session for as long as it is on this node: claims or starts its sandbox, announces it, replaces it
    /// when it dies, and removes the files when the session is ended.
    func supervise(_ spec: SessionSpec, container given: ContainerID?) async {
        let incarnation = spec.incarnation
        var container = given
        var isRestart = false
        while true {
            let sandbox: any Sandbox
            do {
                sandbox = try await self.obtain(spec, over: container, isRestart: isRestart)
            } catch {
                await self.startFailed(spec, error, keepsFolder: container != nil)
                return
            }
            container = ContainerID(sandbox.id.rawValue)
            let (action, grant) = self.table.withLock { $0.started(incarnation, sandbox) }
            if case .discard(let removesFiles) = action {
                await sandbox.stop()
                await self.leave(incarnation, removesFiles: removesFiles)
                return
            }
            if let grant { grant.turn.give(grant.answer) }
            if !isRestart {
                let reference = SessionReference(session: spec.id, incarnation: incarnation, container: container)
                // Relaxed: should the power fail, the sandbox is gone as well.
                await self.publisher.publish(
                    .sessionReady(reference, node: self.configuration.nodeID),
                    durability: .relaxed
                )
            }
            switch await self.watch(sandbox, of: spec) {
            case .restart: isRestart = true
            case .leave(let removesFiles):
                await self.leave(incarnation, removesFiles: removesFiles)
                return
            case .rest: preconditionFailure("a resting supervisor waits until it is woken")
            }
        }
    }

    /// Suspends until the sandbox is dead and the session needs its supervisor again.
    private func watch(
        _ sandbox: any Sandbox,
        of spec: SessionSpec
    ) async -> SessionSlotStateMachine<any Sandbox>.SupervisorAction {
        do {
            let end = try await sandbox.ended()
            if end.reason != .stopped {
                self.metrics.sandboxesLost.increment()
                self.logger.warning(
                    "A sandbox died",
                    metadata: [LogKey.session: spec.id.rawValue, LogKey.reason: "\(end)"]
                )
            }
        } catch {
            await self.stopNow(spec.incarnation, sandbox)
        }
        var (action, wake) = self.table.withLock { table in
            let action = table.sandboxEnded(spec.incarnation)
            return (action, table.slots[spec.incarnation]?.wake)
        }
        while action == .rest, let signal = wake {
            do { try await signal.wait() } catch { await self.stopNow(spec.incarnation, sandbox) }
            (action, wake) = self.table.withLock { table in
                let action = table.woken(spec.incarnation)
                return (action, table.slots[spec.incarnation]?.wake)
            }
        }
        return action
    }

    /// The node's task was cancelled: the session goes, its files stay.
    private func stopNow(_ incarnation: Incarnation, _ sandbox: any Sandbox) async {
        if let ending = self.table.withLock({ $0.end(incarnation, removesFiles: false) }) {
            for grant in ending.grants { grant.turn.give(grant.answer) }
        }
        await sandbox.stop()
    }

    /// The session is another node's by now: its sandbox here goes, and its files with the grace of what nobody knows.
    func lose(_ incarnation: Incarnation) async {
        guard let ending = self.table.withLock({ $0.end(incarnation, removesFiles: false) }) else { return }
        await self.carryOut(ending)
    }

    // MARK: Start

    /// A sandbox for the session: one that runs, one from the pool, or a new one.
    private func obtain(
        _ spec: SessionSpec,
        over container: ContainerID?,
        isRestart: Bool
    ) async throws -> any Sandbox {
        if let container, !isRestart,
            let sandbox = self.recovered.withLock({ $0.removeValue(forKey: container) })
        {
            return sandbox
        }
        if container == nil, let sandbox = await self.claim(spec) { return sandbox }
        let clock = ContinuousClock()
        let began = clock.now
        let sandbox = try await self.start(spec, over: container)
        self.metrics.poolMisses.increment()
        self.metrics.coldStartSeconds.observe(clock.now - began)
        return sandbox
    }

    /// Takes a ready sandbox and gives it the session's ceilings. `nil` if there is none, or it cannot have them.
    private func claim(_ spec: SessionSpec) async -> (any Sandbox)? {
        let clock = ContinuousClock()
        let began = clock.now
        let claimed = self.pool.claim(SandboxShape.pool(spec)) { container in
            self.table.withLock { $0.adopt(ContainerID(container), by: spec.incarnation) }
        }
        guard let sandbox = claimed else { return nil }
        let container = ContainerID(sandbox.id.rawValue)
        do {
            let limits = SandboxShape.limits(spec.resources)
            if limits != WarmPool.limits { try await sandbox.apply(limits) }
            try await self.folders.claim(container.rawValue)
            self.metrics.poolHits.increment()
            self.metrics.claimSeconds.observe(clock.now - began)
            return sandbox
        } catch {
            self.logger.warning(
                "A pooled sandbox could not be claimed",
                metadata: [LogKey.container: container.rawValue, LogKey.error: "\(error)"]
            )
            await sandbox.stop()
            await self.removeFolder(container)
            self.table.withLock { $0.disown(container, by: spec.incarnation) }
            return nil
        }
    }

    /// Starts a sandbox over the files of `container`, or over none. What may succeed the next time is tried once more.
    private func start(_ spec: SessionSpec, over given: ContainerID?) async throws -> any Sandbox {
        try self.runtime.resolve(image: spec.image)
        guard let given else { return try await self.startAnew(spec) }
        guard try await self.folders.exists(given.rawValue) else {
            throw WorkerNodeError(.workspaceLost, "the files of the session are gone from the worker node")
        }
        // Of a pool that crashed before it was told apart: it is a session's for good.
        try await self.folders.claim(given.rawValue)
        return try await self.startTwice(try self.sandboxSpec(spec, given), isNew: false, session: spec.id)
    }

    /// Leaves nothing behind when it fails.
    private func startAnew(_ spec: SessionSpec) async throws -> any Sandbox {
        let container = ContainerID.make()
        let sandboxSpec = try self.sandboxSpec(spec, container)
        self.table.withLock { $0.adopt(container, by: spec.incarnation) }
        let failure: any Error
        do {
            return try await self.startTwice(sandboxSpec, isNew: true, session: spec.id)
        } catch {
            failure = error
        }
        await self.removeFolder(container)
        self.table.withLock { $0.disown(container, by: spec.incarnation) }
        throw failure
    }

    private func sandboxSpec(_ spec: SessionSpec, _ container: ContainerID) throws -> SandboxSpec {
        SandboxSpec(
            id: try SandboxID(container.rawValue),
            image: spec.image,
            runtimeType: spec.runtime.name,
            limits: SandboxShape.limits(spec.resources),
            warmLanguages: SandboxShape.warmLanguages(of: spec.runtime.name),
            directory: self.folders.directory(of: container.rawValue)
        )
    }

    private func startTwice(_ spec: SandboxSpec, isNew: Bool, session: SessionID) async throws -> any Sandbox {
        do {
            return try await self.attempt(spec, isNew: isNew)
        } catch {
            guard SandboxShape.isRetriable(error) else { throw error }
            self.logger.warning(
                "A sandbox did not start; trying once more",
                metadata: [LogKey.session: session.rawValue, LogKey.error: "\(error)"]
            )
        }
        try await Task.sleep(for: .milliseconds(100))
        return try await self.attempt(spec, isNew: isNew)
    }

    private func attempt(_ spec: SandboxSpec, isNew: Bool) async throws -> any Sandbox {
        try await self.gate.run(.session) {
            if isNew { try await self.folders.create(spec.id.rawValue, isPooled: false) }
            return try await self.runtime.start(spec)
        }
    }

    private func startFailed(_ spec: SessionSpec, _ error: any Error, keepsFolder: Bool) async {
        let isOurs = error is CancellationError || (error as? RuntimeError)?.code == .cancelled
        if isOurs, let ending = self.table.withLock({ $0.end(spec.incarnation, removesFiles: false) }) {
            for grant in ending.grants { grant.turn.give(grant.answer) }
        }
        let problem = SandboxShape.problem(error)
        let reference = self.table.withLock { $0.slots[spec.incarnation]?.reference }
        let (action, grants) = self.table.withLock { $0.startFailed(spec.incarnation, reason: problem.message) }
        var removesFiles = false
        let known = reference ?? SessionReference(session: spec.id, incarnation: spec.incarnation)
        // The session's fate comes before that of its executions: the dispatcher need not place them again.
        switch action {
        case .fail:
            self.log("A session could not be started", spec, error)
            await self.publisher.publish(.sessionFailed(known, problem))
        case .exit:
            self.log("A session could not be started again", spec, error)
            let message = "the sandbox died and could not be started again: \(problem.message)"
            await self.publisher.publish(.containerExited(known, Problem("container_exited", message)))
        case .discard(let removes):
            removesFiles = removes
        }
        for grant in grants { grant.turn.give(grant.answer) }
        await self.leave(spec.incarnation, removesFiles: removesFiles)
    }

    private func log(_ message: StaticString, _ spec: SessionSpec, _ error: any Error) {
        self.logger.warning(
            message,
            metadata: [LogKey.session: spec.id.rawValue, LogKey.image: spec.image, LogKey.error: "\(error)"]
        )
    }

    // MARK: End

    /// Ends a session on this node; its supervisor removes the files. One that is not here may have left files here.
    func end(_ reference: SessionReference) async {
        if let ending = self.table.withLock({ $0.end(reference.incarnation, removesFiles: true) }) {
            await self.carryOut(ending)
            return
        }
        guard let container = reference.container, (try? SandboxID(container.rawValue)) != nil,
            !self.pool.owns(container.rawValue),
            self.table.withLock({ $0.seize(container, for: reference.incarnation) })
        else { return }
        // It ran on while we did not, and nobody wants it any more.
        if let sandbox = self.recovered.withLock({ $0.removeValue(forKey: container) }) { await sandbox.stop() }
        await self.removeFolder(container)
        self.table.withLock { $0.release(container) }
    }

    func carryOut(_ ending: (sandbox: (any Sandbox)?, wake: Signal?, grants: [SessionTable.Grant])) async {
        for grant in ending.grants { grant.turn.give(grant.answer) }
        ending.wake?.fire()
        await ending.sandbox?.stop()
    }

    /// The supervisor's last act.
    private func leave(_ incarnation: Incarnation, removesFiles: Bool) async {
        let container = self.table.withLock { $0.remove(incarnation, keepsContainer: removesFiles) }
        await self.leases?.giveBack(incarnation)
        guard removesFiles, let container else { return }
        await self.removeFolder(container)
        self.table.withLock { $0.release(container) }
    }

    func removeFolder(_ container: ContainerID) async {
        do { try await self.folders.remove(container.rawValue) } catch {
            // It bears the mark of a removal, which the next round of the reaper goes on with.
            self.logger.warning(
                "A folder could not be removed",
                metadata: [LogKey.container: container.rawValue, LogKey.error: "\(error)"]
            )
        }
    }
}
