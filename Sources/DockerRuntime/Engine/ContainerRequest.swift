/// The body of `POST /containers/create`, as far as we use it.
struct ContainerRequest: Encodable, Sendable, Equatable {
    var image: String
    var user: String
    var hostname: String
    var entrypoint: [String]
    var command: [String]
    var workingDirectory = "/"
    var environment: [String]
    var labels: [String: String]
    /// The image's own check is switched off: the connection to the agent tells more, at once, and for nothing.
    var healthcheck = Healthcheck(test: ["NONE"])
    var networkDisabled: Bool
    var hostConfiguration: HostConfiguration

    enum CodingKeys: String, CodingKey {
        case image = "Image"
        case user = "User"
        case hostname = "Hostname"
        case entrypoint = "Entrypoint"
        case command = "Cmd"
        case workingDirectory = "WorkingDir"
        case environment = "Env"
        case labels = "Labels"
        case healthcheck = "Healthcheck"
        case networkDisabled = "NetworkDisabled"
        case hostConfiguration = "HostConfig"
    }

    struct Healthcheck: Encodable, Sendable, Equatable {
        var test: [String]
        enum CodingKeys: String, CodingKey { case test = "Test" }
    }

    struct Mount: Encodable, Sendable, Equatable {
        var type = "bind"
        var source: String
        var target: String
        var isReadOnly: Bool

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case source = "Source"
            case target = "Target"
            case isReadOnly = "ReadOnly"
        }
    }

    struct ResourceLimit: Encodable, Sendable, Equatable {
        var name: String
        var soft: Int
        var hard: Int

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case soft = "Soft"
            case hard = "Hard"
        }
    }

    struct LogConfiguration: Encodable, Sendable, Equatable {
        var type: String
        var options: [String: String]

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case options = "Config"
        }
    }

    struct RestartPolicy: Encodable, Sendable, Equatable {
        var name: String
        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    struct HostConfiguration: Encodable, Sendable, Equatable {
        var networkMode: String
        var droppedCapabilities = ["ALL"]
        var securityOptions = ["no-new-privileges:true"]
        var hasReadOnlyRoot = true
        var isPrivileged = false
        /// Our agent is PID 1 and reaps.
        var hasInit = false
        var ipcMode = "private"
        var cgroupNamespaceMode = "private"
        /// `host` where the daemon would map users; each sandbox has one of its own already.
        var userNamespaceMode: String
        var mounts: [Mount]
        var maskedPaths: [String]
        var resourceLimits: [ResourceLimit]
        var memory: Int64
        /// Memory and swap together: as much as memory alone means no swap.
        var memorySwap: Int64
        var nanoCPUs: Int64
        var maxProcesses: Int
        /// Before the server, when the whole host runs out of memory.
        var outOfMemoryScore = 500
        var restartPolicy = RestartPolicy(name: "no")
        /// The agent prints next to nothing, and nobody else can: enough to tell why one did not start.
        var logging = LogConfiguration(type: "json-file", options: ["max-size": "64k", "max-file": "1"])

        enum CodingKeys: String, CodingKey {
            case networkMode = "NetworkMode"
            case droppedCapabilities = "CapDrop"
            case securityOptions = "SecurityOpt"
            case hasReadOnlyRoot = "ReadonlyRootfs"
            case isPrivileged = "Privileged"
            case hasInit = "Init"
            case ipcMode = "IpcMode"
            case cgroupNamespaceMode = "CgroupnsMode"
            case userNamespaceMode = "UsernsMode"
            case mounts = "Mounts"
            case maskedPaths = "MaskedPaths"
            case resourceLimits = "Ulimits"
            case memory = "Memory"
            case memorySwap = "MemorySwap"
            case nanoCPUs = "NanoCpus"
            case maxProcesses = "PidsLimit"
            case outOfMemoryScore = "OomScoreAdj"
            case restartPolicy = "RestartPolicy"
            case logging = "LogConfig"
        }
    }
}

/// The body of `POST /containers/{id}/update`.
struct ContainerUpdate: Encodable, Sendable, Equatable {
    var memory: Int64
    var memorySwap: Int64
    var nanoCPUs: Int64
    var maxProcesses: Int

    enum CodingKeys: String, CodingKey {
        case memory = "Memory"
        case memorySwap = "MemorySwap"
        case nanoCPUs = "NanoCpus"
        case maxProcesses = "PidsLimit"
    }
}
