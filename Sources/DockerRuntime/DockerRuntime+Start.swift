internal import AgentProtocol
import Glibc
import SandboxRuntime
import ServiceKit

extension DockerRuntime {
    func launch(_ spec: SandboxSpec) async throws(RuntimeError) -> (sandbox: DockerSandbox, ready: AgentReady) {
        if Task.isCancelled { throw RuntimeError(.cancelled, "cancelled before the start") }
        try spec.limits.validate()
        guard spec.directory.hasPrefix("/") else {
            throw RuntimeError(.invalidSpec, "the sandbox's directory must be an absolute path")
        }
        guard !spec.hasNetwork || self.configuration.network != nil else {
            throw RuntimeError(.unsupported, "this installation gives no network to sandboxes")
        }
        try self.claim(spec.id)
        let (image, owner): (ImageDetails, FileOwner)
        do throws(RuntimeError) {
            image = try await self.images.find(spec.image)
            owner = try await self.prepare(spec)
        } catch {
            self.release(spec.id, user: nil)
            throw error
        }
        let sandbox = self.makeSandbox(spec.id, limits: spec.limits, owner: owner, isUserOurs: self.isRoot)
        let isClosed = self.state.withLock { state in
            if !state.isClosed { state.sandboxes[spec.id] = sandbox }
            return state.isClosed
        }
        do throws(RuntimeError) {
            if isClosed { throw RuntimeError(.unavailable, "the runtime is shut down") }
            let plan = ContainerPlan(
                common: self.common,
                spec: spec,
                image: image,
                user: owner,
                network: spec.hasNetwork ? self.configuration.network : nil
            )
            let ready = try await sandbox.bringUp(
                plan.request,
                agent: self.agentConfiguration(spec.warmLanguages),
                timeout: self.configuration.startTimeout
            )
            return (sandbox, ready)
        } catch {
            await sandbox.abandon()
            if error.code == .unknownImage { self.images.forget(image) }
            throw Self.explain(error, sandbox.end?.detail ?? "")
        }
    }

    func makeSandbox(
        _ id: SandboxID,
        limits: ResourceLimits,
        owner: FileOwner,
        isUserOurs: Bool
    ) -> DockerSandbox {
        DockerSandbox(
            id: id,
            limits: limits,
            owner: owner,
            isUserOurs: isUserOurs,
            container: Container(
                name: ContainerPlan.name(instance: self.store.instance, id: id),
                engine: self.engine,
                threads: self.threads,
                logger: self.logger
            ),
            surroundings: DockerSandbox.Surroundings(
                reactor: self.reactor,
                threads: self.threads,
                files: self.files,
                processors: self.info.processors,
                limitsProcesses: self.info.limitsProcesses
            ),
            // The user of a container that may still run is not given to another one.
            release: { [self] isRemoved in self.release(id, user: isUserOurs && isRemoved ? owner.user : nil) }
        )
    }

    func agentConfiguration(_ warmLanguages: Set<CodeLanguage>) -> AgentConfiguration {
        AgentConfiguration(
            warmLanguages: CodeLanguage.allCases.filter(warmLanguages.contains).map(AgentLanguage.init),
            pythonPath: self.configuration.pythonPath,
            nodePath: self.configuration.nodePath
        )
    }

    private var common: ContainerPlan.Common {
        ContainerPlan.Common(
            instance: self.store.instance,
            files: self.files,
            agentPath: self.configuration.agentPath,
            libraryDirectories: self.agent.libraryDirectories,
            orphanTimeout: self.configuration.orphanTimeout,
            processors: self.info.processors,
            mapsUsers: self.info.hasSecurityOption("userns")
        )
    }

    func claim(_ id: SandboxID) throws(RuntimeError) {
        let problem: RuntimeError? = self.state.withLock { state in
            if state.isClosed { return RuntimeError(.unavailable, "the runtime is shut down") }
            guard state.claimed.insert(id).inserted else {
                return RuntimeError(.invalidSpec, "a sandbox \(id) runs already")
            }
            return nil
        }
        if let problem { throw problem }
    }

    func release(_ id: SandboxID, user: UInt32?) {
        let waiters = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.claimed.remove(id)
            state.sandboxes[id] = nil
            if let user { state.users.giveBack(user) }
            guard state.claimed.isEmpty else { return [] }
            defer { state.idleWaiters = [] }
            return state.idleWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Makes the folders, and finds the user that they belong to.
    private func prepare(_ spec: SandboxSpec) async throws(RuntimeError) -> FileOwner {
        let agentPath = self.configuration.agentPath
        return try await self.threads.run { () throws(RuntimeError) in
            guard access(agentPath, X_OK) == 0 else {
                let error = SystemError.last(in: "access")
                let words = "\(agentPath) is missing: build or install sandbox-agent"
                throw RuntimeError(.unavailable, words, cause: error)
            }
            let directory = SandboxDirectory(path: spec.directory)
            try directory.create()
            guard self.isRoot else { return FileOwner(user: geteuid(), group: getegid()) }
            let preferred = directory.user
            guard let user = self.state.withLock({ $0.users.take(preferred: preferred) }) else {
                let count = self.configuration.userCount
                throw RuntimeError(.exhausted, "all \(count) user ids of sandboxes are taken")
            }
            let owner = FileOwner(user: user, group: user)
            do throws(RuntimeError) {
                try directory.give(to: owner)
            } catch {
                self.state.withLock { $0.users.giveBack(user) }
                throw error
            }
            return owner
        }
    }

    /// Makes of a lost sandbox an error that tells what was printed.
    private static func explain(_ error: RuntimeError, _ printed: String) -> RuntimeError {
        switch error.code {
        case .sandboxLost:
            return RuntimeError(.startFailed, "the sandbox did not start: \(printed)", cause: error)
        case .startTimedOut, .startFailed:
            guard !printed.isEmpty else { return error }
            var error = error
            error.message += "; it printed: \(printed)"
            return error
        default:
            return error
        }
    }
}
