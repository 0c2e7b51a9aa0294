import Foundation
import Glibc
import SandboxRuntime
import ServiceKit
import TestServers
import Testing

@testable import DockerRuntime

extension RealContainers {
    @Suite struct RecoveryTests {
        @Test(.timeLimit(.minutes(10))) func aSandboxGoesOnWithTheNextRuntime() async throws {
            let fixture = try await DockerFixture()
            let first = try await fixture.runtime.start(fixture.spec("a"))
            try await first.apply(ResourceLimits(memoryBytes: 128 << 20, diskBytes: 1 << 20))
            let boot = try await first.output("cut -d ' ' -f 22 /proc/1/stat; echo kept > /tmp/f")
            await fixture.runtime.detach()
            #expect(try await fixture.isRunning(first.handle))

            let next = try await fixture.next()
            let recovered = await next.recover()
            #expect(recovered.map(\.id) == [first.id])
            let sandbox = try #require(recovered.first)
            #expect(sandbox.handle == first.handle)
            #expect(sandbox.fileOwner == first.fileOwner)
            // The same PID 1, with its files and its limits.
            #expect(try await sandbox.output("cut -d ' ' -f 22 /proc/1/stat") == boot)
            #expect(
                try await sandbox.output("cat /tmp/f; head -c 5000000 /dev/zero > f; wc -c < f") == "kept\n1048576\n"
            )
            #expect(try await sandbox.execute(.python("print(6 * 7)")).output == "42\n")
            // It is known again: a second of its name cannot be, and the reaper spares it.
            let error = await #expect(throws: RuntimeError.self) { _ = try await next.start(fixture.spec("a")) }
            #expect(error?.code == .invalidSpec)
            #expect(await next.removeLeftovers(keeping: []) == LeftoverReport())
            #expect(await next.recover().isEmpty)
            await sandbox.stop()
            #expect(try await fixture.inspect(first.handle) == nil)
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func anOrderThatRanHasNoOutcomeAndLeavesNothing() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            let code = """
                import os, time
                if os.fork() == 0:
                    os.setsid()
                    while True: time.sleep(60)
                open('/workspace/running', 'w').close()
                while True: pass
                """
            let running = Task { try await sandbox.execute(.python(code)) }
            try await fixture.awaitFile("running", of: sandbox.id)
            await fixture.runtime.detach()
            let error = await #expect(throws: RuntimeError.self) { _ = try await running.value }
            #expect(error?.code == .sandboxLost)

            let next = try await fixture.next()
            let recovered = try #require(await next.recover().first)
            // The agent, the zygote and what reads /proc.
            let census = "import os\nprint(len([p for p in os.listdir('/proc') if p.isdigit()]) <= 4)"
            #expect(try await recovered.execute(.python(census)).output == "True\n")
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func nobodyButTheAgentIsHeard() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            let agent = try #require((sandbox as? DockerSandbox)?.container.processID)
            await fixture.runtime.detach()
            // It cannot be first.
            #expect(kill(agent, SIGSTOP) == 0)
            let next = try await fixture.next()
            async let recovered = next.recover()
            let impostor = try Self.connect(to: "\(next.files.socketDirectory(of: sandbox.id))/agent.sock")
            var byte: UInt8 = 0
            // Sent away without a word.
            #expect(recv(impostor, &byte, 1, 0) == 0)
            close(impostor)
            #expect(kill(agent, SIGCONT) == 0)
            let found = try #require(await recovered.first)
            #expect(try await found.output("echo it is me") == "it is me\n")
            // When the agent is there, so is no socket any more.
            #expect(access("\(next.files.socketDirectory(of: sandbox.id))/agent.sock", F_OK) != 0)
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func whatCannotBeTakenOverIsLeftToTheReaper() async throws {
            let fixture = try await DockerFixture()
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            let record = fixture.runtime.files.record(of: sandbox.id)
            await fixture.runtime.detach()
            #expect(unlink(record) == 0)
            let next = try await fixture.next()
            #expect(await next.recover().isEmpty)
            #expect(try await fixture.isRunning(sandbox.handle))
            #expect(await next.removeLeftovers(keeping: [sandbox.id]) == LeftoverReport())
            #expect(try await fixture.isRunning(sandbox.handle))
            let report = await next.removeLeftovers(keeping: [])
            #expect(report == LeftoverReport(processesKilled: 1, groupsRemoved: 1))
            #expect(try await fixture.inspect(sandbox.handle) == nil)
            #expect(next.files.sandboxes.isEmpty)
            // Files of the sandbox are nobody's but the worker's.
            #expect(access(try fixture.spec("a").workspacePath, F_OK) == 0)
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func filesOfAContainerThatIsGoneGoToo() async throws {
            let fixture = try await DockerFixture()
            let (lost, known) = (
                try await fixture.runtime.start(fixture.spec("lost")),
                try await fixture.runtime.start(fixture.spec("known"))
            )
            await fixture.runtime.detach()
            try await fixture.docker.request("DELETE", "/containers/\(lost.handle)?force=true")
            let next = try await fixture.next()
            // Nobody gets the user of a container that may still run, even before it is taken over.
            let users = try [lost, known].map { try #require($0.fileOwner?.user) }
            for user in users {
                let taken = next.state.withLock { state in
                    let taken = state.users.take(preferred: user)
                    if let taken { state.users.giveBack(taken) }
                    return taken
                }
                #expect(taken != user)
            }
            #expect(await next.recover().map(\.id) == [known.id])
            #expect(Set(next.files.sandboxes) == ["lost", "known"])
            #expect(await next.removeLeftovers(keeping: []) == LeftoverReport())
            #expect(next.files.sandboxes == ["known"])
            try await fixture.close(next)
        }

        @Test(.timeLimit(.minutes(10))) func theReaperKnowsItsOwn() async throws {
            let (mine, other) = (try await DockerFixture(), try await DockerFixture())
            let sandbox = try await other.runtime.start(other.spec("a"))
            #expect(await mine.runtime.removeLeftovers(keeping: []) == LeftoverReport())
            #expect(await mine.runtime.recover().isEmpty)
            #expect(try await sandbox.output("echo alive") == "alive\n")
            try await mine.close()
            try await other.close()
        }

        @Test(.timeLimit(.minutes(10))) func aContainerThatNobodyComesBackForEndsItself() async throws {
            let fixture = try await DockerFixture { $0.orphanTimeout = .seconds(1) }
            let sandbox = try await fixture.runtime.start(fixture.spec("a"))
            await fixture.runtime.detach()
            // Answers when it does not run any more.
            let exit = try await fixture.docker.request("POST", "/containers/\(sandbox.handle)/wait")
            #expect(String(decoding: exit, as: UTF8.self).contains(#""StatusCode":0"#))
            let next = try await fixture.next()
            #expect(await next.recover().isEmpty)
            #expect(await next.removeLeftovers(keeping: []).groupsRemoved == 1)
            try await fixture.close(next)
        }

        /// Blocks until there is somebody to connect to.
        private static func connect(to path: String) throws -> Int32 {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            while true {
                let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
                let result = withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
                if result == 0 { return number }
                close(number)
                sched_yield()
            }
        }
    }
}
