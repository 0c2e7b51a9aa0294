import SandboxRuntime

/// What a sandbox's container is made like. Pure: it looks at nothing.
struct ContainerPlan: Sendable {
    /// Where things are inside. Not in `/run`, which images use.
    enum Inside {
        static let agent = "/.sandbox/agent"
        static let socketDirectory = "/.sandbox/host"
        static let socket = "/.sandbox/host/agent.sock"
    }

    enum Label {
        static let instance = "sandbox.instance"
        static let sandbox = "sandbox.id"
        static let version = "sandbox.version"
        /// Of what the labels and our record of the container mean.
        static let currentVersion = "1"
    }

    /// Made for all sandboxes of one runtime.
    struct Common: Sendable {
        var instance: String
        var files: RuntimeFiles
        var agentPath: String
        /// Directories of this host that the agent needs: none in a release.
        var libraryDirectories: [String]
        var orphanTimeout: Duration
        var processors: Int
        var mapsUsers: Bool
    }

    var common: Common
    var spec: SandboxSpec
    var image: ImageDetails
    var user: FileOwner
    /// `nil` for loopback alone.
    var network: String?

    /// The same for the same sandbox of the same runtime, so that two cannot be.
    static func name(instance: String, id: SandboxID) -> String { "\(instance).\(id)" }

    var request: ContainerRequest {
        ContainerRequest(
            image: self.image.id,
            user: "\(self.user.user):\(self.user.group)",
            hostname: "sandbox",
            entrypoint: [Inside.agent],
            command: ["--connect", Inside.socket, "\(max(1, self.common.orphanTimeout.components.seconds))"],
            environment: self.environment,
            labels: [
                Label.instance: self.common.instance,
                Label.sandbox: self.spec.id.rawValue,
                Label.version: Label.currentVersion,
            ],
            networkDisabled: self.network == nil,
            hostConfiguration: self.hostConfiguration
        )
    }

    /// The agent's own; it makes that of code. A name alone takes what the image has set away.
    private var environment: [String] {
        let own = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/workspace", "TMPDIR=/tmp", "LANG=C.UTF-8"]
        let kept = Set(own.map { $0.prefix { $0 != "=" } })
        return own + self.image.environmentNames.filter { !kept.contains($0[...]) }
    }

    private var hostConfiguration: ContainerRequest.HostConfiguration {
        let limits = ContainerUpdate(self.spec.limits, processors: self.common.processors)
        return ContainerRequest.HostConfiguration(
            networkMode: self.network ?? "none",
            userNamespaceMode: self.common.mapsUsers ? "host" : "",
            mounts: self.mounts,
            maskedPaths: Self.maskedPaths,
            resourceLimits: [
                ContainerRequest.ResourceLimit(name: "core", soft: 0, hard: 0),
                // A ceiling for what ``ResourceLimits/maxOpenFiles`` may become later, and no more than any daemon may give. The
                // agent sets that and the size of a file for the processes of each execution; here a limit on files would
                // bind the agent's own large messages.
                ContainerRequest.ResourceLimit(
                    name: "nofile",
                    soft: max(1024, self.spec.limits.maxOpenFiles),
                    hard: max(4096, self.spec.limits.maxOpenFiles)
                ),
            ],
            memory: limits.memory,
            memorySwap: limits.memorySwap,
            nanoCPUs: limits.nanoCPUs,
            maxProcesses: limits.maxProcesses
        )
    }

    private var mounts: [ContainerRequest.Mount] {
        func readOnly(_ source: String, _ target: String) -> ContainerRequest.Mount {
            ContainerRequest.Mount(source: source, target: target, isReadOnly: true)
        }
        func writable(_ source: String, _ target: String) -> ContainerRequest.Mount {
            ContainerRequest.Mount(source: source, target: target, isReadOnly: false)
        }
        let files = self.common.files
        var mounts = [
            readOnly(self.common.agentPath, Inside.agent),
            readOnly(files.socketDirectory(of: self.spec.id), Inside.socketDirectory),
            writable(self.spec.workspacePath, "/workspace"),
            writable(self.spec.temporaryPath, "/tmp"),
            // Semaphores and shared memory need a place: it is /tmp again, no third one that can be written.
            writable(self.spec.temporaryPath, "/dev/shm"),
            readOnly(files.passwd(of: self.spec.id), "/etc/passwd"),
            readOnly(files.group(of: self.spec.id), "/etc/group"),
            readOnly(files.unreadable, "/.dockerenv"),
        ]
        if self.network == nil {
            // Docker's copies would tell the host's name servers and domain.
            mounts += [readOnly(files.hosts, "/etc/hosts"), readOnly(files.resolver, "/etc/resolv.conf")]
        }
        mounts += self.common.libraryDirectories.map { readOnly($0, $0) }
        // An image's volumes would be writable, and without a limit.
        let taken = Set(mounts.map(\.target))
        mounts += self.image.volumes.filter { !taken.contains($0) }.map { readOnly(files.empty, $0) }
        return mounts
    }

    /// Docker's own list, `/sys` with all that it tells of the host, and the one place of `/dev` that can be written.
    private static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys", "/dev/mqueue",
    ]
}

extension ContainerUpdate {
    /// - Parameter processors: Of the daemon's host: as many or more are no limit, and it refuses more.
    init(_ limits: ResourceLimits, processors: Int) {
        self.init(
            memory: limits.memoryBytes,
            memorySwap: limits.memoryBytes,
            nanoCPUs: Int64(min(limits.cpuCores, Double(max(1, processors))) * 1_000_000_000),
            maxProcesses: limits.maxProcesses
        )
    }
}
