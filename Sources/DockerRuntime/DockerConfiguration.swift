/// Settings of a ``DockerRuntime``.
public struct DockerConfiguration: Sendable, Equatable {
    /// Where the daemon listens. Defaults to `unix:///var/run/docker.sock`.
    public var host: DockerHost
    /// What the runtime keeps on disk, and its containers see by path. Made if missing, and locked: one runtime per
    /// directory. It names the runtime's containers, so that what a dead process left is found again.
    public var stateDirectory: String
    /// Absolute path of `sandbox-agent` on the daemon's host. It is mounted into each container.
    public var agentPath: String
    /// Absolute path of CPython inside an image. Defaults to `/usr/bin/python3.11`.
    public var pythonPath: String
    /// Absolute path of Node.js inside an image. Defaults to `/usr/bin/node`.
    public var nodePath: String
    /// Images that may be used, by name; a `*` at the end stands for any rest. Empty, the default, allows all.
    public var allowedImages: [String]
    /// Whether an image that the daemon does not have is pulled. Defaults to yes.
    public var pullsImages: Bool
    /// For one pull. Defaults to 10 minutes.
    public var pullTimeout: Duration
    /// The Docker network of sandboxes that ask for one; `nil`, the default, gives none to anybody.
    public var network: String?
    /// As root: the first user id that sandboxes get, one for each that is alive. Defaults to 200000.
    public var firstUser: UInt32
    /// As root: how many ids there are. Defaults to 65536.
    public var userCount: UInt32
    /// From the start of a container to a ready agent. Defaults to 20 s.
    public var startTimeout: Duration
    /// For one call of the daemon. Defaults to 30 s.
    public var requestTimeout: Duration
    /// How long a container waits for a worker to come back before it ends itself. Defaults to 10 minutes.
    public var orphanTimeout: Duration

    public init(
        stateDirectory: String,
        agentPath: String,
        host: DockerHost = .standard,
        pythonPath: String = "/usr/bin/python3.11",
        nodePath: String = "/usr/bin/node",
        allowedImages: [String] = [],
        pullsImages: Bool = true,
        pullTimeout: Duration = .seconds(600),
        network: String? = nil,
        firstUser: UInt32 = 200_000,
        userCount: UInt32 = 65_536,
        startTimeout: Duration = .seconds(20),
        requestTimeout: Duration = .seconds(30),
        orphanTimeout: Duration = .seconds(600)
    ) {
        self.host = host
        self.stateDirectory = stateDirectory
        self.agentPath = agentPath
        self.pythonPath = pythonPath
        self.nodePath = nodePath
        self.allowedImages = allowedImages
        self.pullsImages = pullsImages
        self.pullTimeout = pullTimeout
        self.network = network
        self.firstUser = firstUser
        self.userCount = userCount
        self.startTimeout = startTimeout
        self.requestTimeout = requestTimeout
        self.orphanTimeout = orphanTimeout
    }
}
