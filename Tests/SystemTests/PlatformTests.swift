import Foundation
import HTTPClient
import JSON
import ServiceKit
import Testing

@testable import SandboxCLI

/// All services in this process, over a real log and real sandboxes.
@Suite(.serialized, .timeLimit(.minutes(10))) struct PlatformTests {
    private let folder = NSTemporaryDirectory() + "system-test-\(UUID().uuidString)"

    /// A platform as a part of a group, which asks it to stop instead of a signal.
    private struct PlatformService: Service {
        let platform: Platform
        func run() async throws { try await self.platform.run() }
    }

    @Test func startsAndStopsAgainAndAgain() async throws {
        defer { try? FileManager.default.removeItem(atPath: self.folder) }
        var execution = ""
        var open: [[String]] = []
        for round in 0..<6 {
            try await self.withPlatform { base in
                let http = try HTTPClient()
                defer { http.close() }
                let health = try await http.send(HTTPClientRequest("GET", base + "/health"))
                #expect(try JSONObjectReader(health.body).string("status") == "healthy", "\(health.text)")
                if round == 0 { execution = try await Self.run(http, base) }
                let result = try await http.send(HTTPClientRequest("GET", base + "/executions/\(execution)/result"))
                let reader = try JSONObjectReader(result.body)
                #expect(try reader.string("status") == "completed" && reader.int("return_value") == 42)
            }
            open.append(self.openPaths)
        }
        // What the first rounds opened for good may stay; what each round opens must not.
        #expect(try #require(open.last).count <= open[1].count, "open files after each round: \(open)")
    }

    /// Descriptors of this process in the platform's folder: other tests have theirs.
    private var openPaths: [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.compactMap { descriptor in
            // One that was closed meanwhile is none.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + descriptor)
            return target?.hasPrefix(self.folder) == true ? target : nil
        }
    }

    private static func run(_ http: HTTPClient, _ base: String) async throws -> String {
        let template = Array("{\"template_id\": \"python-basic\"}".utf8)
        let session = try await http.send(.json("POST", base + "/sessions", template))
        let id = try JSONObjectReader(session.body).string("id")
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("code", "def handler(event): return event['n'] * 2")
            writer.field("language", "python")
            writer.field("event", raw: Array("{\"n\": 21}".utf8))
        }
        let path = base + "/executions/sessions/\(id)/execute-sync"
        let answer = try await http.send(.json("POST", path, writer.bytes))
        #expect(answer.status == 200, "\(answer.text)")
        return try JSONObjectReader(answer.body).string("id")
    }

    /// Runs a platform while `body` does, and stops it in order.
    private func withPlatform(_ body: (String) async throws -> Void) async throws {
        let port = try Self.freePort()
        let settings = try ServeConfiguration(
            arguments: try await Self.arguments(["--data", self.folder, "--port", "\(port)"]),
            environment: ["SANDBOX_AGENT_PATH": Self.agentPath, "LOG_LEVEL": "error"]
        )
        let platform = try await Platform.open(settings)
        let group = ServiceGroup(
            [PlatformService(platform: platform)],
            drainTimeout: .seconds(60),
            signals: [],
            logger: .disabled
        )
        async let ended: Void = group.run()
        let outcome: Result<Void, any Error>
        do {
            let base = "http://127.0.0.1:\(port)/api/v1"
            try await Self.waitUntilAnswering(base)
            outcome = .success(try await body(base))
        } catch {
            outcome = .failure(error)
        }
        group.shutDown()
        try await ended
        try outcome.get()
    }

    private static func waitUntilAnswering(_ base: String) async throws {
        let http = try HTTPClient()
        defer { http.close() }
        while true {
            do {
                _ = try await http.send(HTTPClientRequest("GET", base + "/health"))
                return
            } catch  where error.code == .couldNotConnect {
                // The services' start has no end that is told outside; the time limit bounds this.
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    private static let agentPath: String = {
        if let given = ProcessInfo.processInfo.environment["SANDBOX_BIN_DIR"] { return given + "/sandbox-agent" }
        return Bundle.main.bundleURL.appendingPathComponent("sandbox-agent").path
    }()

    /// What `sandbox serve` makes of the words.
    private static func arguments(_ words: [String]) async throws -> Arguments {
        let taken = Locked<Arguments?>(nil)
        var command = ServeCommand.command(environment: [:])
        command.action = { arguments in
            taken.withLock { $0 = arguments }
            return 0
        }
        _ = await command.run(words)
        return try #require(taken.withLock { $0 })
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && getsockname(descriptor, pointer, &size) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }
}
