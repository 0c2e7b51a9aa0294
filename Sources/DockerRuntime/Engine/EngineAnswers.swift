/// What `GET /info` tells, as far as we ask.
struct EngineInfo: Decodable, Sendable {
    var processors: Int
    var limitsMemory: Bool
    var limitsProcesses: Bool
    var limitsCPU: Bool
    var cgroupVersion: String?
    var securityOptions: [String]?

    enum CodingKeys: String, CodingKey {
        case processors = "NCPU"
        case limitsMemory = "MemoryLimit"
        case limitsProcesses = "PidsLimit"
        case limitsCPU = "CpuCfsQuota"
        case cgroupVersion = "CgroupVersion"
        case securityOptions = "SecurityOptions"
    }

    /// `seccomp`, `userns`, `rootless`, …
    func hasSecurityOption(_ name: String) -> Bool {
        (self.securityOptions ?? []).contains { $0 == "name=\(name)" || $0.hasPrefix("name=\(name),") }
    }
}

struct CreatedContainer: Decodable, Sendable {
    var id: String
    enum CodingKeys: String, CodingKey { case id = "Id" }
}

/// One of `GET /containers/json`.
struct ListedContainer: Decodable, Sendable {
    var id: String
    /// `created`, `running`, `exited`, …
    var state: String
    var labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case state = "State"
        case labels = "Labels"
    }
}

/// `GET /containers/{id}/json`.
struct InspectedContainer: Decodable, Sendable {
    struct State: Decodable, Sendable {
        var isRunning: Bool
        /// Of PID 1, as the daemon's host counts; 0 if it does not run.
        var processID: Int32
        var exitCode: Int32
        /// Whether any process of it was killed for want of memory, at any time.
        var wasOutOfMemory: Bool
        /// Why it did not start.
        var error: String?

        enum CodingKeys: String, CodingKey {
            case isRunning = "Running"
            case processID = "Pid"
            case exitCode = "ExitCode"
            case wasOutOfMemory = "OOMKilled"
            case error = "Error"
        }
    }

    var id: String
    var state: State

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case state = "State"
    }
}

struct ContainerExit: Decodable, Sendable {
    var statusCode: Int32
    enum CodingKeys: String, CodingKey { case statusCode = "StatusCode" }
}

/// One of `GET /images/json`.
struct ListedImage: Decodable, Sendable {
    var id: String
    var tags: [String]?
    var digests: [String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case tags = "RepoTags"
        case digests = "RepoDigests"
    }
}

/// `GET /images/{name}/json`.
struct InspectedImage: Decodable, Sendable {
    struct Configuration: Decodable, Sendable {
        struct Nothing: Decodable, Sendable {}
        var environment: [String]?
        var volumes: [String: Nothing]?

        enum CodingKeys: String, CodingKey {
            case environment = "Env"
            case volumes = "Volumes"
        }
    }

    var id: String
    var configuration: Configuration?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case configuration = "Config"
    }
}

/// One message of a pull.
struct PullMessage: Decodable, Sendable {
    struct Detail: Decodable, Sendable {
        var current: Int64?
        var total: Int64?
    }

    /// The layer it is about.
    var id: String?
    var status: String?
    var detail: Detail?
    var error: String?

    enum CodingKeys: String, CodingKey {
        case id
        case status
        case detail = "progressDetail"
        case error
    }
}

/// One message of `GET /events`.
struct EngineEvent: Decodable, Sendable {
    var type: String
    var action: String

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case action = "Action"
    }
}
