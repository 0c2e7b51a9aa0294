import DockerRuntime
import Foundation
import Glibc
import SandboxRuntime
import ServiceKit
import TestServers
import Testing

/// All tests that start containers, one after the other: they share a daemon, and two processors.
@Suite(.serialized, .enabled(if: DockerFixture.isPossible, DockerFixture.obstacle))
enum RealContainers {}

/// A runtime over real containers, with folders of its own that go when it is closed.
struct DockerFixture {
    static let isPossible = RealDocker.obstacle == nil
    static let obstacle = Comment(rawValue: RealDocker.obstacle ?? "nothing is missing")
    static let image = "sandbox-template-python-basic"

    let directory: String
    let docker: RealDocker
    let configuration: DockerConfiguration
    let runtime: DockerRuntime

    /// The agent that was built with these tests, or that of a release.
    static let agentPath: String = {
        let environment = ProcessInfo.processInfo.environment
        if let directory = environment["SANDBOX_BIN_DIR"] { return "\(directory)/sandbox-agent" }
        // The test bundle, or the runner, lies next to it.
        return Bundle.main.bundleURL.appendingPathComponent("sandbox-agent").path
    }()

    private static let images = Locked<Task<Void, any Error>?>(nil)

    /// The daemon of these tests, with an image in it.
    static func daemon() async throws -> RealDocker {
        let docker = try await RealDocker.shared()
        let task = Self.images.withLock { images in
            if let images { return images }
            let task = Task { try await docker.makeImage(Self.image, of: .interpreters) }
            images = task
            return task
        }
        try await task.value
        return docker
    }

    init(_ change: (inout DockerConfiguration) -> Void = { _ in }) async throws {
        self.docker = try await Self.daemon()
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        self.directory = "\(temporary)/sandbox-test-\(UUID().uuidString.prefix(13))"
        var configuration = DockerConfiguration(
            stateDirectory: "\(self.directory)/state",
            agentPath: Self.agentPath
        )
        configuration.host = try #require(DockerHost(self.docker.host))
        configuration.pullsImages = false
        // On a machine that is busy with other tests a start may take its time.
        configuration.startTimeout = .seconds(50)
        configuration.requestTimeout = .seconds(60)
        change(&configuration)
        self.configuration = configuration
        self.runtime = try await DockerRuntime.connect(
            configuration: configuration,
            logger: Logger(label: "test", level: .error)
        )
    }

    func spec(_ id: String, _ change: (inout SandboxSpec) -> Void = { _ in }) throws -> SandboxSpec {
        var spec = SandboxSpec(
            id: try SandboxID(id),
            image: Self.image,
            directory: "\(self.directory)/sandboxes/\(id)"
        )
        change(&spec)
        return spec
    }

    func close() async throws {
        await self.runtime.shutDown()
        try await WorkspaceDirectory.removeFolder(self.directory)
    }
}
