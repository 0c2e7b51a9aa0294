internal import AgentProtocol
import Glibc
import ServiceKit

/// Sandboxes on this host, made by bwrap: no daemon, no image store.
///
/// As root each live sandbox has a user id of its own; as an ordinary user all have ours, in user namespaces of their own.
public final class BubblewrapRuntime: SandboxRuntime {
    private struct State {
        /// Ids that run or are being started.
        var claimed: Set<SandboxID> = []
        var sandboxes: [SandboxID: BubblewrapSandbox] = [:]
        var users: UserSlots
        var isClosed = false
        var capabilities: RuntimeCapabilities?
        var trials = 0
    }

    public let name = "bubblewrap"

    let configuration: BubblewrapConfiguration
    private let store: RuntimeStore
    private let images: [String: HostImage]
    private let probe: ControlGroupProbe
    private let agent: AgentBinary
    private let hostCores: Int
    private let isRoot: Bool
    private let state: Locked<State>
    private let reactor: Reactor
    private let launcher = Launcher()
    private let threads = BlockingThreads(name: "sandbox-files", limit: 4)

    /// Locks the state directory, writes what sandboxes see of the host, and removes what a dead process left.
    ///
    /// Blocks for some milliseconds; made once, at the start of the process.
    /// - Throws: ``RuntimeError/Code/unavailable`` if another runtime uses the state directory,
    ///   ``RuntimeError/Code/fileFailed`` if it cannot be written.
    public init(configuration: BubblewrapConfiguration) throws(RuntimeError) {
        self.configuration = configuration
        self.agent = AgentBinary(path: configuration.agentPath)
        self.isRoot = geteuid() == 0
        self.hostCores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        self.store = try RuntimeStore(directory: configuration.stateDirectory)
        _ = self.store.removeGroups(removesParents: true) { _ in false }
        self.probe = ControlGroupProbe(
            instance: self.store.instance,
            hostCores: self.hostCores,
            isWanted: configuration.usesControlGroups
        )
        try self.store.remember(self.probe.layout)
        self.images = try Self.makeImages(configuration)
        self.state = Locked(
            State(
                users: UserSlots(
                    first: configuration.firstUser,
                    count: configuration.userCount,
                    start: .random(in: 0..<max(1, configuration.userCount))
                )
            )
        )
        self.reactor = try Reactor()
    }

    private static func makeImages(_ configuration: BubblewrapConfiguration) throws(RuntimeError) -> [String: HostImage]
    {
        let directory = configuration.stateDirectory
        let host = try HostImage.host(directory: directory, needed: [configuration.pythonPath, configuration.nodePath])
        var images: [String: HostImage] = [:]
        for (name, image) in configuration.images {
            switch image {
            case .host: images[name] = host
            case .rootDirectory(let path): images[name] = try HostImage.rootDirectory(path, directory: directory)
            }
        }
        return images
    }

    public func resolve(image: String) throws(RuntimeError) {
        _ = try self.image(named: image)
    }

    public func start(_ spec: SandboxSpec) async throws(RuntimeError) -> any Sandbox {
        try await self.launch(spec).sandbox
    }

    /// Nothing: bwrap's sandboxes end with the process that started them.
    public func recover() async -> [any Sandbox] { [] }

    public func removeLeftovers(keeping known: Set<SandboxID>) async -> LeftoverReport {
        do throws(RuntimeError) {
            return try await self.threads.run { () throws(RuntimeError) in
                let known = Set(known.map(\.rawValue))
                return self.store.removeGroups(removesParents: false) { name in
                    if known.contains(name) { return true }
                    // What cannot be a sandbox's name is none of ours that lives.
                    guard let id = try? SandboxID(name) else { return false }
                    return self.state.withLock { $0.claimed.contains(id) }
                }
            }
        } catch {
            return LeftoverReport(failures: ["\(error)"])
        }
    }

    public func shutDown() async {
        let (sandboxes, isFirst) = self.state.withLock { state in
            defer { state.isClosed = true }
            return (Array(state.sandboxes.values), !state.isClosed)
        }
        await withTaskGroup(of: Void.self) { group in
            for sandbox in sandboxes { group.addTask { await sandbox.stop() } }
        }
        guard isFirst else { return }
        _ = self.store.removeGroups(removesParents: true) { _ in false }
        self.launcher.close()
        self.threads.close()
        self.reactor.close()
        self.store.close()
    }

    public func capabilities() async -> RuntimeCapabilities {
        let (known, trial) = self.state.withLock { state in
            state.trials += 1
            return (state.capabilities, state.trials)
        }
        if let known { return known }
        let found = await self.tryOut(number: trial)
        // What failed is tried again by the next caller: it may have been repaired.
        if found.problem == nil { self.state.withLock { $0.capabilities = found } }
        return found
    }

    // MARK: Start

    private func image(named name: String) throws(RuntimeError) -> HostImage {
        guard let image = self.images[name] else {
            let known = self.images.keys.sorted().joined(separator: ", ")
            throw RuntimeError(.unknownImage, "no image is called \(name); known are: \(known)")
        }
        return image
    }

    /// What has to be there before the fork.
    private struct Preparation: Sendable {
        var owner: FileOwner?
        var group: ControlGroup?
        var joining: [FileDescriptor]
    }

    private func launch(_ spec: SandboxSpec) async throws(RuntimeError) -> (
        sandbox: BubblewrapSandbox, ready: AgentReady
    ) {
        let image = try self.image(named: spec.image)
        try spec.limits.validate()
        guard spec.directory.hasPrefix("/") else {
            throw RuntimeError(.invalidSpec, "the sandbox's directory must be an absolute path")
        }
        guard !spec.hasNetwork || self.configuration.allowsHostNetwork else {
            throw RuntimeError(.unsupported, "this installation gives no network to sandboxes")
        }
        try self.claim(spec.id)
        let preparation: Preparation
        do throws(RuntimeError) {
            preparation = try await self.threads.run { () throws(RuntimeError) in try self.prepare(spec) }
        } catch {
            self.release(spec.id, owner: nil)
            throw error
        }
        let sandbox = BubblewrapSandbox(
            spec: spec,
            resources: BubblewrapSandbox.Resources(owner: preparation.owner, group: preparation.group) { [self] in
                self.release(spec.id, owner: preparation.owner)
            },
            reactor: self.reactor,
            threads: self.threads,
            plan: { [self] limits in self.plan(spec.id, limits) }
        )
        do throws(RuntimeError) {
            let request = self.request(spec, image: image, preparation: preparation)
            let child = try await self.launcher.launch(request)
            try sandbox.attach(child, configuration: self.agentConfiguration(spec))
        } catch {
            await sandbox.abandon()
            throw error
        }
        let isClosed = self.state.withLock { state in
            if !state.isClosed { state.sandboxes[spec.id] = sandbox }
            return state.isClosed
        }
        if isClosed { sandbox.beginStop() }
        do throws(RuntimeError) {
            return (sandbox, try await sandbox.ready(within: self.configuration.startTimeout))
        } catch {
            await sandbox.stop()
            throw self.explain(error, printed: sandbox.printed)
        }
    }

    private func claim(_ id: SandboxID) throws(RuntimeError) {
        let problem: RuntimeError? = self.state.withLock { state in
            if state.isClosed { return RuntimeError(.unavailable, "the runtime is shut down") }
            guard state.claimed.insert(id).inserted else {
                return RuntimeError(.invalidSpec, "a sandbox \(id) runs already")
            }
            return nil
        }
        if let problem { throw problem }
    }

    private func release(_ id: SandboxID, owner: FileOwner?) {
        self.state.withLock { state in
            state.claimed.remove(id)
            state.sandboxes[id] = nil
            if let owner { state.users.giveBack(owner.user) }
        }
    }

    /// Blocks for less than a millisecond, unless there are files of another owner.
    private func prepare(_ spec: SandboxSpec) throws(RuntimeError) -> Preparation {
        for (path, advice) in [
            (self.configuration.bwrapPath, "install the package bubblewrap"),
            (self.configuration.agentPath, "build or install sandbox-agent"),
        ] where access(path, X_OK) != 0 {
            throw RuntimeError(.unavailable, "\(path) is missing: \(advice)", cause: SystemError.last(in: "access"))
        }
        let directory = SandboxDirectory(path: spec.directory)
        try directory.create()
        var owner: FileOwner?
        if self.isRoot {
            let preferred = directory.user
            guard let user = self.state.withLock({ $0.users.take(preferred: preferred) }) else {
                throw RuntimeError(.exhausted, "all \(self.configuration.userCount) user ids of sandboxes are taken")
            }
            owner = FileOwner(user: user, group: user)
        }
        do throws(RuntimeError) {
            if let owner { try directory.give(to: owner) }
            guard !self.probe.layout.places.isEmpty else { return Preparation(owner: owner, joining: []) }
            let group = try ControlGroup.create(self.plan(spec.id, spec.limits))
            do throws(RuntimeError) {
                return Preparation(owner: owner, group: group, joining: try group.openForJoining())
            } catch {
                _ = group.remove()
                throw error
            }
        } catch {
            if let owner { self.state.withLock { $0.users.giveBack(owner.user) } }
            throw error
        }
    }

    private func plan(_ id: SandboxID, _ limits: ResourceLimits) -> ControlGroupPlan {
        ControlGroupPlan(
            layout: self.probe.layout,
            instance: self.store.instance,
            name: id.rawValue,
            limits: limits,
            hostCores: self.hostCores
        )
    }

    private func request(_ spec: SandboxSpec, image: HostImage, preparation: Preparation) -> Launcher.Request {
        var stage = Stage(isUsed: preparation.owner != nil)
        let arguments = BubblewrapArguments(
            root: image.root.map { entry in
                // What belongs to the host itself is open to everyone; an image may be anywhere.
                guard case .directory(let source, let name) = entry, image.etc == nil else { return entry }
                return .directory(source: stage.place(source, "image-\(name)"), name: name)
            },
            etc: image.etc.map { stage.place($0, "etc") },
            visible: (self.configuration.visibleDirectories + self.agent.libraryDirectories).enumerated().map {
                (stage.place($0.element, "visible-\($0.offset)"), $0.element)
            },
            hidden: image.hidden,
            empty: stage.place(image.empty, "empty"),
            workspace: stage.place(spec.workspacePath, "workspace"),
            temporary: stage.place(spec.temporaryPath, "tmp"),
            agent: stage.place(self.configuration.agentPath, "agent"),
            hasNetwork: spec.hasNetwork
        )
        return Launcher.Request(
            bwrapPath: self.configuration.bwrapPath,
            arguments: arguments.list,
            binds: stage.binds,
            owner: preparation.owner,
            processLimit: self.probe.layout.places[.pids] == nil ? spec.limits.maxProcesses : 0,
            groups: preparation.joining
        )
    }

    private func agentConfiguration(_ spec: SandboxSpec) -> AgentConfiguration {
        AgentConfiguration(
            warmLanguages: CodeLanguage.allCases.filter(spec.warmLanguages.contains).map(AgentLanguage.init),
            pythonPath: self.configuration.pythonPath,
            nodePath: self.configuration.nodePath
        )
    }

    /// Makes of a lost sandbox an error that tells what to do.
    private func explain(_ error: RuntimeError, printed: String) -> RuntimeError {
        guard error.code == .sandboxLost else {
            var error = error
            if error.code == .startTimedOut, !printed.isEmpty { error.message += "; it printed: \(printed)" }
            return error
        }
        let isForbidden = ["new namespace", "uid map", "Operation not permitted", "mount namespace"].contains {
            printed.contains($0)
        }
        guard isForbidden else {
            return RuntimeError(.startFailed, "the sandbox did not start: \(printed)", cause: error)
        }
        return RuntimeError(
            .unavailable,
            """
            this host does not let bwrap make namespaces (\(printed)); allow them with sysctl \
            user.max_user_namespaces=10000, kernel.unprivileged_userns_clone=1 (Debian) or \
            kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, run it with --privileged
            """,
            cause: error
        )
    }

    // MARK: Capabilities

    /// Starts a sandbox and looks around in it.
    private func tryOut(number: Int) async -> RuntimeCapabilities {
        var found = self.expectation
        let directory = "\(self.configuration.stateDirectory)/trial-\(number)"
        do throws(RuntimeError) {
            guard let image = self.images.keys.sorted().first else {
                throw RuntimeError(.unavailable, "no image is configured")
            }
            let spec = SandboxSpec(
                id: try SandboxID("trial-\(number)"),
                image: image,
                warmLanguages: [],
                directory: directory
            )
            let (sandbox, ready) = try await self.launch(spec)
            for support in ready.languages {
                found.languages[CodeLanguage(support.language)] =
                    support.problem.map { .missing(reason: $0) } ?? .available
            }
            do throws(RuntimeError) {
                let order = ExecutionOrder(
                    id: OrderID("trial"),
                    language: .shell,
                    code: Array(
                        "while read name rest; do case $name in *:) echo $name;; esac; done < /proc/net/dev".utf8
                    ),
                    timeout: .seconds(5)
                )
                let report = try await sandbox.execute(order)
                found.isolatesNetwork = String(decoding: report.stdout.bytes, as: UTF8.self).trimmed == "lo:"
            } catch {
                found.problem = "the trial sandbox ran nothing: \(error)"
            }
            await sandbox.stop()
        } catch {
            found.problem = "\(error.message)"
        }
        let trial = SandboxDirectory(path: directory)
        // What stays is removed by the next trial's `create`, or seen in the state directory.
        _ = try? await self.threads.run { () throws(RuntimeError) in try trial.remove() }
        return found
    }

    /// What should hold, before a sandbox was seen.
    private var expectation: RuntimeCapabilities {
        func limit(_ controller: ControlGroupLayout.Controller, without: RuntimeCapabilities.Enforcement)
            -> RuntimeCapabilities.Limit
        {
            switch self.probe.layout.places[controller]?.version {
            case .v1: RuntimeCapabilities.Limit(.cgroupV1)
            case .v2: RuntimeCapabilities.Limit(.cgroupV2)
            case nil: RuntimeCapabilities.Limit(without, note: self.probe.problems[controller] ?? "")
            }
        }
        return RuntimeCapabilities(
            memory: limit(.memory, without: .none),
            cpu: limit(.cpu, without: .none),
            processes: limit(.pids, without: .processLimit),
            disk: RuntimeCapabilities.Limit(
                .processLimit,
                note: "of each file; the sum is measured, and judged by who starts the sandbox"
            ),
            isolatesNetwork: false,
            isolatesUsers: self.isRoot,
            languages: [:],
            survivesRestart: false,
            images: self.images.keys.sorted()
        )
    }
}
