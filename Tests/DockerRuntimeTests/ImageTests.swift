import Foundation
import Glibc
import SandboxRuntime
import ServiceKit
import TestServers
import Testing

@testable import DockerRuntime

extension RealContainers {
    @Suite struct ImageTests {
        @Test(.timeLimit(.minutes(10))) func takesNothingOverFromAnImageButItsFiles() async throws {
            let fixture = try await DockerFixture()
            let name = "sandbox-test-settings:1"
            try await fixture.docker.makeImage(
                name,
                of: .interpreters,
                changes: [
                    "ENV SECRET=shown LD_PRELOAD=/none.so", "VOLUME /data", "USER root", "WORKDIR /usr",
                    "ENTRYPOINT [\"/bin/false\"]", "HEALTHCHECK CMD /bin/true",
                ]
            )
            let sandbox = try await fixture.runtime.start(fixture.spec("a") { $0.image = name })
            #expect(
                try await sandbox.output("echo $SECRET $LD_PRELOAD; pwd; touch /data/x; ls /data") == "\n/workspace\n"
            )
            let config = try await fixture.inspect(sandbox.handle)?["Config"] as? [String: Any]
            let environment = try #require(config?["Env"] as? [String])
            #expect(!environment.contains { $0.contains("SECRET=") || $0.contains("LD_PRELOAD=") }, "\(environment)")
            #expect((config?["Healthcheck"] as? [String: Any])?["Test"] as? [String] == ["NONE"])
            await sandbox.stop()
            let volumes = String(decoding: try await fixture.docker.request("GET", "/volumes"), as: UTF8.self)
            #expect(volumes.contains(#""Volumes":[]"#) || volumes.contains(#""Volumes":null"#), "\(volumes)")
            try await fixture.close()
        }

        @Test(
            .timeLimit(.minutes(10)),
            .enabled(
                if: ProcessInfo.processInfo.environment["SANDBOX_BIN_DIR"] != nil,
                "needs the static agent of a release build in SANDBOX_BIN_DIR"
            )
        )
        func anEmptyImageIsEnoughForTheAgent() async throws {
            let fixture = try await DockerFixture()
            try await fixture.docker.makeImage("sandbox-test-empty", of: .nothing)
            let sandbox = try await fixture.runtime.start(fixture.spec("a") { $0.image = "sandbox-test-empty" })
            let report = try await sandbox.execute(.shell("true"))
            guard case .couldNotStart(let message) = report.outcome else {
                Issue.record("\(report.outcome)")
                return
            }
            #expect(message.contains("no a shell") || message.contains("shell"))
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func hearsOfImagesThatComeAndGo() async throws {
            let fixture = try await DockerFixture()
            let name = "sandbox-test-news:1"
            #expect(throws: RuntimeError.self) { try fixture.runtime.resolve(image: name) }
            try await fixture.docker.makeImage(name, of: .nothing)
            while (try? fixture.runtime.resolve(image: name)) == nil { await Task.yield() }
            try await fixture.docker.request("DELETE", "/images/\(name)")
            while (try? fixture.runtime.resolve(image: name)) != nil { await Task.yield() }
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func usesAllowedImagesOnly() async throws {
            let fixture = try await DockerFixture { $0.allowedImages = ["sandbox-template-*", "exact:1"] }
            #expect(throws: Never.self) { try fixture.runtime.resolve(image: DockerFixture.image) }
            try await fixture.docker.makeImage("sandbox-test-other", of: .nothing)
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await fixture.runtime.start(fixture.spec("a") { $0.image = "sandbox-test-other" })
            }
            #expect(error?.code == .unknownImage)
            #expect(error?.message.contains("does not allow") == true)
            #expect(!fixture.runtime.images.names.contains("sandbox-test-other:latest"))
            try await fixture.close()
        }

        @Test(.timeLimit(.minutes(10))) func pullsWhatIsMissing() async throws {
            let registry = try await ScriptedRegistry.start()
            let fixture = try await DockerFixture { $0.pullsImages = true }
            let name = "127.0.0.1:\(registry.port)/tests/tiny:1"
            // It may come: whether it does is seen when it is needed.
            try fixture.runtime.resolve(image: name)
            // Two at once wait for the same pull.
            async let first = fixture.runtime.images.find(name)
            async let second = fixture.runtime.images.find(name)
            #expect(try await first == second)
            #expect(registry.manifestReads > 0)
            #expect(fixture.runtime.images.names.contains(name))
            try await fixture.docker.request("DELETE", "/images/\(name)")
            try await fixture.close()
            await registry.stop()
        }

        @Test(.timeLimit(.minutes(10))) func tellsWhatTheRegistrySaid() async throws {
            let registry = try await ScriptedRegistry.start()
            let fixture = try await DockerFixture { $0.pullsImages = true }
            for (name, text) in [
                ("127.0.0.1:\(registry.port)/tests/absent:1", "manifest unknown"), ("127.0.0.1:1/none:1", "refused"),
            ] {
                let error = await #expect(throws: RuntimeError.self) {
                    _ = try await fixture.runtime.start(fixture.spec("a") { $0.image = name })
                }
                #expect(error?.code == .unknownImage)
                #expect(
                    error?.message.contains(name) == true && error?.message.contains(text) == true,
                    "\(error?.message ?? "")"
                )
                #expect(error?.message.contains("\(DockerFixture.image):latest") == true)
            }
            try await fixture.close()
            await registry.stop()
        }
    }
}
