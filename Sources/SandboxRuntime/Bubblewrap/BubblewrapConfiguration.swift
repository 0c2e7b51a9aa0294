/// Settings of a ``BubblewrapRuntime``.
public struct BubblewrapConfiguration: Sendable, Equatable {
    /// Where the files of an image are.
    public enum Image: Sendable, Equatable {
        /// The host's own `/usr`, read-only, with an `/etc` made up for it.
        case host
        /// An unpacked root file system, read-only. Absolute path.
        case rootDirectory(String)
    }

    /// By the names that templates give. Defaults to ``defaultImages``.
    public var images: [String: Image]
    /// What the runtime keeps on disk: made-up files that sandboxes see. Made if missing, and locked: one runtime per
    /// directory. It names the runtime's control groups, so that what a dead process left is found again.
    public var stateDirectory: String
    /// Absolute path of `sandbox-agent` on this host.
    public var agentPath: String
    /// Absolute path on this host. Defaults to `/usr/bin/bwrap`.
    public var bwrapPath: String
    /// Absolute path of CPython inside an image. Defaults to `/usr/bin/python3.11`.
    public var pythonPath: String
    /// Absolute path of Node.js inside an image. Defaults to `/usr/bin/node`.
    public var nodePath: String
    /// As root: the first user id that sandboxes get, one for each that is alive. Defaults to 200000.
    public var firstUser: UInt32
    /// As root: how many ids there are. Defaults to 65536.
    public var userCount: UInt32
    /// From the start to a ready agent. Defaults to 10 s.
    public var startTimeout: Duration
    /// Whether a sandbox may ask for network. It then shares the host's, loopback included. Defaults to no.
    public var allowsHostNetwork: Bool
    /// More directories of the host that sandboxes see, read-only and under the same path: an interpreter in `/opt`, for
    /// one. Defaults to none.
    public var visibleDirectories: [String]
    /// Whether limits are set by control groups where that is possible. Defaults to yes.
    public var usesControlGroups: Bool

    /// The images that every installation knows; on a host they all mean its own files.
    public static let defaultImages: [String: Image] = Dictionary(
        uniqueKeysWithValues: [
            "sandbox-template-python-basic", "python-basic", "sandbox-executor-base", "sandbox-template-nodejs-basic",
            "nodejs-basic",
        ].flatMap { [($0, Image.host), ("\($0):latest", Image.host)] }
    )

    public init(
        stateDirectory: String,
        agentPath: String,
        images: [String: Image] = Self.defaultImages,
        bwrapPath: String = "/usr/bin/bwrap",
        pythonPath: String = "/usr/bin/python3.11",
        nodePath: String = "/usr/bin/node",
        firstUser: UInt32 = 200_000,
        userCount: UInt32 = 65_536,
        startTimeout: Duration = .seconds(10),
        allowsHostNetwork: Bool = false,
        visibleDirectories: [String] = [],
        usesControlGroups: Bool = true
    ) {
        self.images = images
        self.stateDirectory = stateDirectory
        self.agentPath = agentPath
        self.bwrapPath = bwrapPath
        self.pythonPath = pythonPath
        self.nodePath = nodePath
        self.firstUser = firstUser
        self.userCount = userCount
        self.startTimeout = startTimeout
        self.allowsHostNetwork = allowsHostNetwork
        self.visibleDirectories = visibleDirectories
        self.usesControlGroups = usesControlGroups
    }
}
