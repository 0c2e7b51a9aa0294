import Foundation
import SandboxRuntime
import Testing

@testable import DockerRuntime

@Suite struct ContainerPlanTests {
    private func plan(_ change: (inout ContainerPlan) -> Void = { _ in }) throws -> ContainerPlan {
        var plan = ContainerPlan(
            common: ContainerPlan.Common(
                instance: "sandbox-1",
                files: RuntimeFiles(directory: "/state"),
                agentPath: "/usr/lib/agent",
                libraryDirectories: [],
                orphanTimeout: .seconds(600),
                processors: 4,
                mapsUsers: false
            ),
            spec: SandboxSpec(id: try SandboxID("a"), image: "x", directory: "/sandboxes/a"),
            image: ImageDetails(id: "sha256:1"),
            user: FileOwner(user: 200_001, group: 200_001),
            network: nil
        )
        change(&plan)
        return plan
    }

    @Test func writesTwoPlacesOnly() throws {
        let mounts = try self.plan().request.hostConfiguration.mounts
        #expect(mounts.filter { !$0.isReadOnly }.map(\.target) == ["/workspace", "/tmp", "/dev/shm"])
        #expect(Set(mounts.filter { !$0.isReadOnly }.map(\.source)) == ["/sandboxes/a/workspace", "/sandboxes/a/tmp"])
    }

    @Test func coversTheVolumesOfAnImage() throws {
        let plan = try self.plan { $0.image.volumes = ["/data", "/tmp"] }
        let mounts = plan.request.hostConfiguration.mounts
        #expect(mounts.first { $0.target == "/data" }?.isReadOnly == true)
        #expect(mounts.count { $0.target == "/tmp" } == 1)
    }

    @Test func takesVariablesOfTheImageAway() throws {
        let request = try self.plan { $0.image.environmentNames = ["PATH", "LD_PRELOAD", "TOKEN"] }.request
        #expect(request.environment.filter { !$0.contains("=") } == ["LD_PRELOAD", "TOKEN"])
        #expect(request.environment.filter { $0.hasPrefix("PATH") } == ["PATH=/usr/local/bin:/usr/bin:/bin"])
    }

    @Test func hasNoNetworkUnlessItIsGivenOne() throws {
        let closed = try self.plan().request
        #expect(closed.hostConfiguration.networkMode == "none" && closed.networkDisabled)
        #expect(closed.hostConfiguration.mounts.contains { $0.target == "/etc/resolv.conf" })
        let open = try self.plan { $0.network = "net" }.request
        #expect(open.hostConfiguration.networkMode == "net" && !open.networkDisabled)
        #expect(!open.hostConfiguration.mounts.contains { $0.target == "/etc/resolv.conf" })
    }

    @Test func asksForNoMoreProcessorsThanThereAre() throws {
        #expect(ContainerUpdate(ResourceLimits(cpuCores: 16), processors: 4).nanoCPUs == 4_000_000_000)
        #expect(ContainerUpdate(ResourceLimits(cpuCores: 0.5), processors: 4).nanoCPUs == 500_000_000)
    }

    @Test func isWrittenAsTheEngineReadsIt() throws {
        let data = try JSONEncoder().encode(try self.plan { $0.common.mapsUsers = true }.request)
        let body = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let host = try #require(body["HostConfig"] as? [String: Any])
        #expect(body["User"] as? String == "200001:200001")
        #expect(body["Entrypoint"] as? [String] == ["/.sandbox/agent"])
        #expect(body["Cmd"] as? [String] == ["--connect", "/.sandbox/host/agent.sock", "600"])
        #expect(host["UsernsMode"] as? String == "host")
        #expect((host["MaskedPaths"] as? [String])?.contains("/sys") == true)
        #expect((host["RestartPolicy"] as? [String: Any])?["Name"] as? String == "no")
        let names = [
            "CapDrop", "SecurityOpt", "ReadonlyRootfs", "PidsLimit", "Memory", "MemorySwap", "NanoCpus", "Ulimits",
        ]
        for name in names { #expect(host[name] != nil, "\(name)") }
    }
}
