import Foundation
import SandboxRuntime

/// A runtime over real processes, with folders of its own that go when it is closed.
struct BubblewrapFixture {
    let directory: String
    let runtime: BubblewrapRuntime

    /// The agent that was built with these tests.
    static let agentPath: String = {
        let environment = ProcessInfo.processInfo.environment
        if let directory = environment["SANDBOX_BIN_DIR"] { return "\(directory)/sandbox-agent" }
        // The test bundle, or the runner, lies next to it.
        return Bundle.main.bundleURL.appendingPathComponent("sandbox-agent").path
    }()

    /// Where tests may write.
    static let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"

    init(_ change: (inout BubblewrapConfiguration) -> Void = { _ in }) throws {
        self.directory = "\(Self.temporary)/sandbox-test-\(UUID().uuidString.prefix(13))"
        var configuration = BubblewrapConfiguration(
            stateDirectory: "\(self.directory)/state",
            agentPath: Self.agentPath
        )
        // On a machine that is busy with other tests a start may take its time.
        configuration.startTimeout = .seconds(50)
        change(&configuration)
        self.runtime = try BubblewrapRuntime(configuration: configuration)
    }

    func spec(_ id: String, _ change: (inout SandboxSpec) -> Void = { _ in }) throws -> SandboxSpec {
        var spec = SandboxSpec(
            id: try SandboxID(id),
            image: "python-basic",
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
