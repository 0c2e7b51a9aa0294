public import ServiceKit

extension DockerConfiguration {
    /// Reads the configuration, once, at process start.
    ///
    /// - Parameters:
    ///   - stateDirectory: Part of the service's data folder; the daemon must know it by the same path.
    ///   - agentPath: Where the agent is if nothing else is set; usually next to the program.
    /// - Throws: `ConfigurationError` naming the key.
    public init(reader: ConfigurationReader, stateDirectory: String, agentPath: String) throws {
        self.init(stateDirectory: stateDirectory, agentPath: agentPath)
        func path(_ key: String, _ value: String, _ help: String) throws -> String {
            let path = reader.string(key, default: value, help: help)
            guard path.hasPrefix("/") else {
                throw ConfigurationError(key: key, problem: "must be an absolute path, got \"\(path)\"")
            }
            return path
        }
        func positive(_ key: String, _ value: Duration, _ help: String) throws -> Duration {
            let duration = try reader.duration(key, in: .seconds, default: value, help: help)
            guard duration >= .seconds(1) else {
                throw ConfigurationError(key: key, problem: "must be a second or more")
            }
            return duration
        }
        let host = reader.string(
            "DOCKER_HOST",
            default: self.host.description,
            help: "Where the Docker daemon listens: unix:///path"
        )
        guard let host = DockerHost(host) else {
            throw ConfigurationError(key: "DOCKER_HOST", problem: "must be like unix:///path, got \"\(host)\"")
        }
        self.host = host
        self.agentPath = try path("SANDBOX_AGENT_PATH", agentPath, "The program sandbox-agent")
        self.pythonPath = try path("SANDBOX_PYTHON_PATH", self.pythonPath, "Python inside an image")
        self.nodePath = try path("SANDBOX_NODE_PATH", self.nodePath, "Node.js inside an image")
        let images = reader.string(
            "SANDBOX_DOCKER_IMAGES",
            help: "Images that templates may use, with commas between, * at the end for any rest; all if unset"
        )
        self.allowedImages = (images?.split(separator: ",") ?? []).map { $0.filter { $0 != " " } }
        self.pullsImages = try reader.bool(
            "SANDBOX_DOCKER_PULL",
            default: self.pullsImages,
            help: "Whether images that are missing are pulled"
        )
        self.pullTimeout = try positive(
            "SANDBOX_DOCKER_PULL_TIMEOUT_SECONDS",
            self.pullTimeout,
            "For one pull of an image"
        )
        self.network = reader.string(
            "SANDBOX_DOCKER_NETWORK",
            help: "The Docker network of templates that ask for one; none is given if unset"
        )
        self.startTimeout = try positive(
            "SANDBOX_START_TIMEOUT_SECONDS",
            self.startTimeout,
            "From the start of a sandbox to its ready agent"
        )
        self.requestTimeout = try positive(
            "SANDBOX_DOCKER_TIMEOUT_SECONDS",
            self.requestTimeout,
            "For one call of the Docker daemon"
        )
        self.orphanTimeout = try positive(
            "SANDBOX_DOCKER_ORPHAN_TIMEOUT_SECONDS",
            self.orphanTimeout,
            "How long a container waits for its worker to come back"
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
}
