public import SandboxRuntime
public import ServiceKit

/// What makes the sandboxes of a host, as its settings choose.
public struct HostRuntime: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case bubblewrap, docker
    }

    public let kind: Kind
    private let bubblewrap: BubblewrapConfiguration
    private let docker: DockerConfiguration

    /// Reads the settings of both kinds, so that each is known and checked whichever is chosen.
    ///
    /// - Parameters:
    ///   - given: What a command line says; it wins over `RUNTIME`.
    ///   - preferred: Used when nothing says.
    ///   - folder: For what the runtime keeps.
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(
        reader: ConfigurationReader,
        given: String? = nil,
        preferred: Kind,
        folder: String,
        agentPath: String
    ) throws {
        let chosen = try reader.choice("RUNTIME", default: preferred, help: "What makes the sandboxes")
        if let given {
            guard let kind = Kind(rawValue: given) else {
                let known = Kind.allCases.map(\.rawValue).joined(separator: " or ")
                throw ConfigurationError(key: "RUNTIME", problem: "must be \(known), got \"\(given)\"")
            }
            self.kind = kind
        } else {
            self.kind = chosen
        }
        self.bubblewrap = try BubblewrapConfiguration(
            reader: reader,
            stateDirectory: folder + "/runtime",
            agentPath: agentPath
        )
        self.docker = try DockerConfiguration(reader: reader, stateDirectory: folder + "/docker", agentPath: agentPath)
    }

    /// - Throws: ``RuntimeError`` with what is missing.
    public func open(logger: Logger) async throws(RuntimeError) -> any SandboxRuntime {
        switch self.kind {
        case .bubblewrap: try BubblewrapRuntime(configuration: self.bubblewrap)
        case .docker: try await DockerRuntime.connect(configuration: self.docker, logger: logger)
        }
    }
}
