import DockerRuntime
import Foundation
import HTTPClient
import SandboxRuntime
import ServiceKit
import TestServers

/// Measures cold sandboxes in containers: `swift run -c release docker-benchmark [rounds]`, as root, with the path of a
/// release's `sandbox-agent` in `SANDBOX_AGENT_PATH`.
///
/// Prints one line per figure, times in milliseconds. The floor beside them is the daemon's own create and start of a
/// container with the same limits and one program. The daemon is one of its own.
@main enum DockerBenchmark {
    static let image = "sandbox-template-python-basic"

    static func main() async throws {
        let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30
        let docker = try await RealDocker.shared()
        try await docker.makeImage(Self.image, of: .interpreters)
        let folder = "\(docker.directory)/benchmark"
        var configuration = DockerConfiguration(
            stateDirectory: "\(folder)/state",
            agentPath: ProcessInfo.processInfo.environment["SANDBOX_AGENT_PATH"] ?? "/usr/local/bin/sandbox-agent"
        )
        configuration.host = DockerHost(docker.host) ?? .standard
        let runtime = try await DockerRuntime.connect(configuration: configuration, logger: .disabled)
        var (floors, starts, runs, stops): ([Duration], [Duration], [Duration], [Duration]) = ([], [], [], [])
        // In turns, so that whatever slows the machine down slows all of them down.
        for round in 0..<rounds {
            floors.append(try await Self.floor(docker))
            let spec = SandboxSpec(id: try SandboxID("s\(round)"), image: Self.image, directory: "\(folder)/s\(round)")
            let begin = ContinuousClock.now
            let sandbox = try await runtime.start(spec)
            starts.append(.now - begin)
            for number in 0..<10 {
                let order = ExecutionOrder(id: OrderID("\(number)"), language: .python, code: Array("print(1)".utf8))
                let begin = ContinuousClock.now
                _ = try await sandbox.execute(order)
                runs.append(.now - begin)
            }
            let end = ContinuousClock.now
            await sandbox.stop()
            stops.append(.now - end)
        }
        Self.print("the daemon's create + start", floors)
        Self.print("a sandbox, ready with Python", starts)
        Self.print("print(1) in it", runs)
        Self.print("stop: kill, wait, remove", stops)
        try await Self.measureRecovery(runtime, configuration, folder)
    }

    private static func floor(_ docker: RealDocker) async throws -> Duration {
        let body = """
            {"Image":"\(Self.image)","Entrypoint":["/bin/sleep","1000"],"User":"1234:1234","HostConfig":{"CapDrop":["ALL"],\
            "SecurityOpt":["no-new-privileges:true"],"NetworkMode":"none","ReadonlyRootfs":true,"Memory":536870912,\
            "MemorySwap":536870912,"PidsLimit":256,"NanoCpus":1000000000,"IpcMode":"private"},"NetworkDisabled":true}
            """
        let begin = ContinuousClock.now
        let answer = try await docker.request("POST", "/containers/create", body: [.bytes(Array(body.utf8))])
        let created = try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any]
        let id = created?["Id"] as? String ?? ""
        try await docker.request("POST", "/containers/\(id)/start")
        let time = ContinuousClock.now - begin
        try await docker.request("DELETE", "/containers/\(id)?force=true")
        return time
    }

    /// Ten sandboxes that go on while a runtime gives way to the next.
    private static func measureRecovery(
        _ runtime: DockerRuntime,
        _ configuration: DockerConfiguration,
        _ folder: String
    ) async throws {
        for number in 0..<10 {
            let id = try SandboxID("r\(number)")
            _ = try await runtime.start(SandboxSpec(id: id, image: Self.image, directory: "\(folder)/r\(number)"))
        }
        await runtime.detach()
        let begin = ContinuousClock.now
        let next = try await DockerRuntime.connect(configuration: configuration, logger: .disabled)
        let found = await next.recover()
        Self.print("\(found.count) of 10 sandboxes taken over", [.now - begin])
        await next.shutDown()
    }

    private static func print(_ name: String, _ times: [Duration]) {
        let sorted = times.map { $0 / .milliseconds(1) }.sorted()
        func text(_ index: Int) -> String { String(format: "%8.2f", sorted[min(index, sorted.count - 1)]) }
        let label = name.padding(toLength: 34, withPad: " ", startingAt: 0)
        Swift.print("\(label) min\(text(0))  p50\(text(sorted.count / 2))  p99\(text(sorted.count * 99 / 100))")
    }
}
