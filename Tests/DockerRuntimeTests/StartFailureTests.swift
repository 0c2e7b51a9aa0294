import Foundation
import Glibc
import SandboxRuntime
import ServiceKit
import TestServers
import Testing

@testable import DockerRuntime

extension RealContainers {
    @Suite struct StartFailureTests {
        @Test(
            .timeLimit(.minutes(10)),
            arguments: [
                ("#!/bin/sh\necho no luck >&2\nexit 3\n", RuntimeError.Code.startFailed, "no luck"),
                ("#!/bin/sh\necho waiting >&2\nsleep 1000\n", .startTimedOut, "waiting"),
                ("#!/none/at/all\n", .startFailed, "no such file"),
            ]
        )
        func tellsWhyAnAgentIsNotReady(_ script: String, _ code: RuntimeError.Code, _ text: String) async throws {
            let agent = "\(NSTemporaryDirectory())/agent-test-\(UUID().uuidString)"
            // Not left open in a program that another test starts meanwhile: it could not be executed.
            let file = open(agent, O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
            #expect(write(file, script, script.utf8.count) == script.utf8.count)
            close(file)
            let fixture = try await DockerFixture {
                $0.agentPath = agent
                $0.startTimeout = code == .startTimedOut ? .seconds(4) : .seconds(60)
            }
            for _ in 0..<2 {
                let error = await #expect(throws: RuntimeError.self) {
                    _ = try await fixture.runtime.start(fixture.spec("a"))
                }
                #expect(error?.code == code)
                #expect(error?.description.contains(text) == true, "\(String(describing: error))")
                // The id is free again, and nothing of it is left.
                #expect(fixture.runtime.files.sandboxes.isEmpty)
            }
            #expect(await fixture.runtime.removeLeftovers(keeping: []) == LeftoverReport())
            try await fixture.close()
            unlink(agent)
        }

        @Test(.timeLimit(.minutes(10))) func namesTheAgentThatIsMissing() async throws {
            let fixture = try await DockerFixture { $0.agentPath = "/none/agent" }
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await fixture.runtime.start(fixture.spec("a"))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("/none/agent") == true)
            #expect(await fixture.runtime.capabilities().problem?.contains("/none/agent") == true)
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func givesNoNetworkUnlessTheInstallationNamesOne() async throws {
            let fixture = try await DockerFixture()
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await fixture.runtime.start(fixture.spec("a") { $0.hasNetwork = true })
            }
            #expect(error?.code == .unsupported)
            try await fixture.close()
            let open = try await DockerFixture { $0.network = "host" }
            let sandbox = try await open.runtime.start(open.spec("a") { $0.hasNetwork = true })
            let host = try await open.inspect(sandbox.handle)?["HostConfig"] as? [String: Any]
            #expect(host?["NetworkMode"] as? String == "host")
            let closed = try await open.runtime.start(open.spec("b"))
            #expect(try await closed.output("cut -d: -f1 /proc/net/dev | grep -c '^ *[a-z0-9]*$'") == "1\n")
            try await open.close()
        }

        @Test(.timeLimit(.minutes(10))) func isAloneInItsStateDirectory() async throws {
            let fixture = try await DockerFixture()
            let error = await #expect(throws: RuntimeError.self) { _ = try await fixture.next() }
            #expect(error?.code == .unavailable)
            await fixture.runtime.shutDown()
            let next = try await fixture.next()
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func saysThatNoDaemonAnswers() async throws {
            var configuration = DockerConfiguration(stateDirectory: "/none", agentPath: "/none")
            configuration.host = try #require(DockerHost("unix:///none/docker.sock"))
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await DockerRuntime.connect(configuration: configuration, logger: .disabled)
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("unix:///none/docker.sock") == true)
        }

        @Test(.timeLimit(.minutes(10))) func sandboxesEndWithoutTheDaemonToo() async throws {
            // One of its own: the others need theirs.
            let docker = try RealDocker()
            try await docker.start()
            defer { docker.destroy() }
            try await docker.makeImage(DockerFixture.image, of: .interpreters)
            let fixture = try await DockerFixture { $0.host = DockerHost(docker.host) ?? .standard }
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            let agent = try #require((sandbox as? DockerSandbox)?.container.processID)
            await docker.kill()
            // The agent needs no daemon.
            #expect(try await sandbox.output("echo alive") == "alive\n")
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await fixture.runtime.start(fixture.spec("b"))
            }
            #expect(error?.code == .unavailable)
            await sandbox.stop()
            #expect(kill(agent, 0) != 0)
            #expect(try await sandbox.ended().reason == .stopped)
            let failed = await fixture.runtime.removeLeftovers(keeping: [])
            #expect(failed.groupsRemoved == 0 && failed.failures.count == 1)

            try await docker.start()
            #expect(await fixture.runtime.removeLeftovers(keeping: []).groupsRemoved == 1)
            let again = try await fixture.runtime.start(fixture.spec("a"))
            #expect(try await again.output("echo again") == "again\n")
            try await fixture.close()
        }
    }
}
