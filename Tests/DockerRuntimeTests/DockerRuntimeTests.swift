import Foundation
import Glibc
import HTTPClient
import SandboxRuntime
import TestServers
import Testing

@testable import DockerRuntime

extension RealContainers {
    @Suite struct DockerRuntimeTests {
        @Test(.timeLimit(.minutes(10))) func saysWhatHolds() async throws {
            let fixture = try await DockerFixture()
            let found = await fixture.runtime.capabilities()
            #expect(found.problem == nil)
            #expect(found.memory == RuntimeCapabilities.Limit(.engine))
            #expect(found.processes == RuntimeCapabilities.Limit(.engine))
            #expect(found.isolatesNetwork && found.isolatesUsers && found.survivesRestart)
            #expect(found.languages[.python] == .available && found.languages[.shell] == .available)
            #expect(found.images.contains("\(DockerFixture.image):latest"))
            // The trial leaves nothing, and is not repeated.
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.directory)/state")
            #expect(!left.contains { $0.hasPrefix("trial") })
            #expect(await fixture.runtime.capabilities() == found)
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func aContainerIsMadeAsSafeAsItCanBe() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(
                fixture.spec("a") {
                    $0.limits = ResourceLimits(
                        cpuCores: 0.5,
                        memoryBytes: 64 << 20,
                        maxProcesses: 50,
                        maxOpenFiles: 100
                    )
                }
            )
            let found = try #require(try await fixture.inspect(sandbox.handle))
            let host = try #require(found["HostConfig"] as? [String: Any])
            let config = try #require(found["Config"] as? [String: Any])
            #expect(host["CapDrop"] as? [String] == ["ALL"])
            #expect(host["SecurityOpt"] as? [String] == ["no-new-privileges:true"])
            #expect(host["ReadonlyRootfs"] as? Bool == true)
            #expect(host["Privileged"] as? Bool == false)
            #expect(host["NetworkMode"] as? String == "none")
            #expect(host["IpcMode"] as? String == "private")
            #expect(host["Memory"] as? Int == 64 << 20 && host["MemorySwap"] as? Int == 64 << 20)
            #expect(host["NanoCpus"] as? Int == 500_000_000)
            #expect(host["PidsLimit"] as? Int == 50)
            #expect(config["User"] as? String == "\(sandbox.fileOwner?.user ?? 0):\(sandbox.fileOwner?.group ?? 0)")
            #expect((config["Labels"] as? [String: String])?["sandbox.id"] == "a")
            #expect(try await sandbox.output("ulimit -n; ulimit -Hn; ulimit -c") == "100\n100\n0\n")
            #expect(try await sandbox.output("id -un; echo > /dev/shm/x && echo shm; ls /tmp") == "sandbox\nshm\nx\n")
            #expect(
                try await sandbox.output("cat /etc/resolv.conf; cat /etc/hosts | head -1")
                    == "127.0.0.1 localhost sandbox\n"
            )
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func appliesAllLimitsToAContainerThatRuns() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            try await sandbox.apply(ResourceLimits(cpuCores: 0.25, memoryBytes: 96 << 20, maxProcesses: 40))
            let host = try await fixture.inspect(sandbox.handle)?["HostConfig"] as? [String: Any]
            #expect(host?["Memory"] as? Int == 96 << 20 && host?["MemorySwap"] as? Int == 96 << 20)
            #expect(host?["NanoCpus"] as? Int == 250_000_000)
            #expect(host?["PidsLimit"] as? Int == 40)
            // More than the host has is no limit, and no error.
            try await sandbox.apply(ResourceLimits(cpuCores: 10_000))
            let error = await #expect(throws: RuntimeError.self) {
                try await sandbox.apply(ResourceLimits(memoryBytes: 1))
            }
            #expect(error?.code == .invalidSpec)
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func leavesNothingOfAStoppedSandbox() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            let agent = try #require((sandbox as? DockerSandbox)?.container.processID)
            let endless = Task {
                try await sandbox.execute(.shell("sleep 1000 & touch running; while :; do sleep 1; done"))
            }
            try await fixture.awaitFile("running", of: sandbox.id)
            await sandbox.stop()
            #expect(kill(agent, 0) != 0 && errno == ESRCH)
            #expect(try await fixture.inspect(sandbox.handle) == nil)
            #expect(fixture.runtime.files.sandboxes.isEmpty)
            let error = await #expect(throws: RuntimeError.self) { _ = try await endless.value }
            #expect(error?.code == .sandboxLost)
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func tellsThatAContainerWasRemovedFromOutside() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            try await fixture.docker.request("DELETE", "/containers/\(sandbox.handle)?force=true")
            #expect(try await sandbox.ended().reason == .killed(signal: 9))
            _ = try await fixture.runtime.start(fixture.spec("a"))
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func aContainerInTheWayIsReplaced() async throws {
            let fixture = try await DockerFixture()
            let name = ContainerPlan.name(instance: fixture.runtime.store.instance, id: try SandboxID("a"))
            let body = Array(#"{"Image":"\#(DockerFixture.image)","Cmd":["/bin/sh"]}"#.utf8)
            try await fixture.docker.request("POST", "/containers/create?name=\(name)", body: [.bytes(body)])
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            #expect(try await sandbox.output("echo here") == "here\n")
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func theDaemonItselfTellsOfMemoryThatWasUsedUp() async throws {
            let fixture = try await DockerFixture()
            let start = Date()
            let sandbox = try await fixture.runtime.start(fixture.spec("a") { $0.limits.memoryBytes = 64 << 20 })
            let other = try await fixture.runtime.start(fixture.spec("b"))
            // For a worker that does not see the control groups.
            #expect(try await sandbox.execute(.python("x = b'x' * (256 << 20)")).outcome == .outOfMemory)
            #expect(try await fixture.runtime.engine.countOutOfMemory(sandbox.handle, since: start) > 0)
            #expect(try await fixture.runtime.engine.countOutOfMemory(other.handle, since: start) == 0)
            // A kill by somebody else is none for want of memory.
            #expect(try await sandbox.execute(.python("import os; os.kill(os.getpid(), 9)")).outcome == .signaled(9))
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func startsAndStopsManyAtOnce() async throws {
            let fixture = try await DockerFixture()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let sandbox = try await fixture.runtime.start(fixture.spec("s\(number)"))
                        #expect(try await sandbox.output("echo \(number)") == "\(number)\n")
                        _ = await fixture.runtime.removeLeftovers(keeping: [])
                        #expect(try await sandbox.output("echo again") == "again\n")
                        await sandbox.stop()
                    }
                }
                try await group.waitForAll()
            }
            #expect(fixture.runtime.files.sandboxes.isEmpty)
            #expect(await fixture.runtime.removeLeftovers(keeping: []) == LeftoverReport())
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10)), arguments: [1, 8, 20, 60, 90], [true, false])
        func nothingIsLeftOfStartsThatAnEndMeets(_ milliseconds: Int, _ isShutDown: Bool) async throws {
            let fixture = try await DockerFixture()
            let starts = try (0..<3).map { number in
                let spec = try fixture.spec("s\(number)")
                return Task { try await fixture.runtime.start(spec) }
            }
            // Wherever they are by then.
            try await Task.sleep(for: .milliseconds(milliseconds))
            if isShutDown { await fixture.runtime.shutDown() } else { await fixture.runtime.detach() }
            for start in starts {
                do {
                    _ = try await start.value
                } catch let error as RuntimeError {
                    #expect([.cancelled, .unavailable, .startFailed].contains(error.code), "\(error)")
                }
            }
            let next = try await fixture.next()
            let recovered = await next.recover()
            #expect(!isShutDown || recovered.isEmpty)
            // What runs on is whole; of the others there is nothing.
            for sandbox in recovered { #expect(try await sandbox.output("echo on") == "on\n") }
            #expect(await next.removeLeftovers(keeping: []) == LeftoverReport())
            #expect(next.files.sandboxes.count == recovered.count)
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func nothingIsLeftOfAStartThatIsCancelledOnTheWay() async throws {
            let fixture = try await DockerFixture()
            for milliseconds in [1, 5, 20, 50, 80] {
                let task = Task { try await fixture.runtime.start(fixture.spec("a")) }
                // Wherever it is by then.
                try await Task.sleep(for: .milliseconds(milliseconds))
                task.cancel()
                do {
                    await (try task.value).stop()
                } catch let error as RuntimeError {
                    #expect(error.code == .cancelled, "\(error)")
                }
                #expect(fixture.runtime.files.sandboxes.isEmpty)
                let name = ContainerPlan.name(instance: fixture.runtime.store.instance, id: try SandboxID("a"))
                #expect(try await fixture.inspect(name) == nil)
            }
            try await fixture.close()
        }
    }
}
