public import ServiceKit

extension BubblewrapConfiguration {
    /// Reads the configuration, once, at process start.
    ///
    /// - Parameters:
    ///   - stateDirectory: Part of the service's data folder.
    ///   - agentPath: Where the agent is if nothing else is set; usually next to the program.
    /// - Throws: `ConfigurationError` naming the key.
    public init(reader: ConfigurationReader, stateDirectory: String, agentPath: String) throws {
        self.init(stateDirectory: stateDirectory, agentPath: agentPath)
        func path(_ key: String, _ value: String, _ help: String) throws -> String {
            try Self.absolute(reader.string(key, default: value, help: help), key)
        }
        self.agentPath = try path("SANDBOX_AGENT_PATH", agentPath, "The program sandbox-agent")
        self.bwrapPath = try path("SANDBOX_BWRAP_PATH", self.bwrapPath, "The program bwrap")
        self.pythonPath = try path("SANDBOX_PYTHON_PATH", self.pythonPath, "Python inside an image")
        self.nodePath = try path("SANDBOX_NODE_PATH", self.nodePath, "Node.js inside an image")
        let images = reader.string(
            "SANDBOX_IMAGES",
            help: "More images, as name=host or name=/unpacked/root/file/system, with commas between"
        )
        for part in images?.split(separator: ",") ?? [] {
            let (name, image) = try Self.image(part.split(separator: "=", maxSplits: 1).map { String($0).trimmed })
            self.images[name] = image
        }
        let visible = reader.string(
            "SANDBOX_VISIBLE_DIRECTORIES",
            help: "Directories of the host that code may read, with colons between"
        )
        self.visibleDirectories = try (visible?.split(separator: ":") ?? []).map { directory in
            try Self.absolute(String(directory), "SANDBOX_VISIBLE_DIRECTORIES")
        }
        self.startTimeout = try reader.duration(
            "SANDBOX_START_TIMEOUT_SECONDS",
            in: .seconds,
            default: self.startTimeout,
            help: "From the start of a sandbox to its ready agent"
        )
        self.allowsHostNetwork = try reader.bool(
            "SANDBOX_ALLOW_HOST_NETWORK",
            default: self.allowsHostNetwork,
            help: "Whether a template may give its code the host's network, loopback included"
        )
        self.usesControlGroups = try reader.bool(
            "SANDBOX_CONTROL_GROUPS",
            default: self.usesControlGroups,
            help: "Whether limits are set by control groups where that is possible"
        )
        let highest = Int(UInt32.max) - 1
        self.firstUser = UInt32(
            try reader.int(
                "SANDBOX_FIRST_USER",
                in: 1000...highest,
                default: Int(self.firstUser),
                help: "As root: the first user id that sandboxes get"
            )
        )
        self.userCount = UInt32(
            try reader.int(
                "SANDBOX_USER_COUNT",
                in: 1...(highest - Int(self.firstUser) + 1),
                default: Int(self.userCount),
                help: "As root: how many user ids sandboxes have"
            )
        )
    }

    private static func absolute(_ path: String, _ key: String) throws -> String {
        guard path.hasPrefix("/") else {
            throw ConfigurationError(key: key, problem: "must be an absolute path, got \"\(path)\"")
        }
        return path
    }

    private static func image(_ parts: [String]) throws -> (String, Image) {
        let problem = "must be like name=host or name=/path, got \"\(parts.joined(separator: "="))\""
        guard parts.count == 2, !parts[0].isEmpty, parts[1] == "host" || parts[1].hasPrefix("/") else {
            throw ConfigurationError(key: "SANDBOX_IMAGES", problem: problem)
        }
        return (parts[0], parts[1] == "host" ? .host : .rootDirectory(parts[1]))
    }
}
