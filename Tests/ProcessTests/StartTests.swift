import Foundation
import JSON
import TestProcesses
import TestSpawn
import Testing

extension RealProcesses {
    /// A start that cannot succeed says why, what to do, and ends.
    @Suite(.timeLimit(.minutes(10))) struct StartTests {
        private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws
            -> (end: ProgramEnd, errors: String)
        {
            let process = try ChildProcess(Programs.sandbox, arguments, environment: environment)
            return (try await process.end(), process.errors)
        }

        @Test func aFolderInUse() async throws {
            try await Server.with { server in
                let (end, errors) = try await self.run(["serve", "--port", "0", "--data", server.folder])
                #expect(end == .exit(1))
                #expect(errors.contains("in use by another sandbox serve") && errors.contains("--data"), "\(errors)")
                #expect(errors.contains(server.folder))
                // The first one goes on.
                #expect(try await server.api.get("/health").string("status") == "healthy")
            }
        }

        @Test func aPortInUse() async throws {
            try await Server.with { server in
                let port = try #require(try server.api.base.split(separator: ":").last)
                let other = server.folder + "-other"
                defer { try? FileManager.default.removeItem(atPath: other) }
                let (end, errors) = try await self.run(["serve", "--port", "\(port)", "--data", other])
                #expect(end == .exit(1))
                #expect(errors.contains("port \(port)") && errors.contains("is in use"), "\(errors)")
                #expect(errors.contains("--port"), "\(errors)")
                #expect(Leftovers.processes(of: other).isEmpty)
            }
        }

        @Test(arguments: [
            ("WARM_POOL_SIZE", "many"), ("MAX_TIMEOUT", "0"), ("SHUTDOWN_TIMEOUT_SECONDS", "-1"), ("LOG_LEVEL", "loud"),
            ("LOG_FORMAT", "xml"), ("SANDBOX_NODE_PATH", "node"), ("SANDBOX_IMAGES", "x"), ("PARTITIONS", "0"),
        ]) func aSettingThatMakesNoSense(_ key: String, _ value: String) async throws {
            let folder = NSTemporaryDirectory() + "process-test-\(UUID().uuidString)"
            let (end, errors) = try await self.run(["serve", "--port", "0", "--data", folder], [key: value])
            #expect(end == .exit(1))
            #expect(errors.contains(key), "\(errors)")
            // Nothing was begun.
            #expect(!FileManager.default.fileExists(atPath: folder))
        }

        @Test(arguments: [
            (["sevre"], "did you mean \"serve\"?"), (["serve", "--prot", "1"], "did you mean --port?"),
            (["serve", "--port", "http"], "--port"), (["serve", "--port", "70000"], "--port"), (["run"], "FILE"),
            (["session"], "create"), (["status", "--url", "nowhere"], "http://"),
        ]) func aCommandLineThatMakesNoSense(_ words: [String], _ hint: String) async throws {
            let (end, errors) = try await self.run(words)
            #expect(end == .exit(64))
            #expect(errors.contains(hint), "\(errors)")
            #expect(errors.contains("--help"), "\(errors)")
        }

        @Test func aFolderThatCannotBeMade() async throws {
            let (end, errors) = try await self.run(["serve", "--port", "0", "--data", "/proc/nowhere"])
            #expect(end == .exit(1))
            #expect(errors.contains("/proc/nowhere"), "\(errors)")
        }
    }
}
