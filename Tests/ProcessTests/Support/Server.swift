import Foundation
import ServiceKit
import TestProcesses
import TestSpawn
import Testing

/// `sandbox serve` on a data folder of its own, which outlives the process: it may be killed and started again.
final class Server: Sendable {
    let folder: String
    private let environment: [String: String]
    private let current = Locked<(process: ChildProcess, api: API)?>(nil)

    private init(folder: String, environment: [String: String]) {
        self.folder = folder
        self.environment = environment
    }

    /// Gives `body` a server that runs, and afterwards leaves nothing of it, whatever happened.
    ///
    /// - Parameter folder: Defaults to a new one that is removed in the end.
    static func with(
        folder given: String? = nil,
        environment: [String: String] = [:],
        _ body: (Server) async throws -> Void
    ) async throws {
        let folder = given ?? NSTemporaryDirectory().appending("process-test-\(UUID().uuidString)")
        let server = Server(folder: folder, environment: environment)
        let outcome: Result<Void, any Error>
        do {
            try await server.start()
            outcome = .success(try await body(server))
        } catch {
            outcome = .failure(error)
        }
        let log = server.process?.errors ?? ""
        await server.remove(removesFolder: given == nil)
        if case .failure(let error) = outcome {
            print("The server's last lines:\n\(log.suffix(4000))")
            throw error
        }
    }

    private func remove(removesFolder: Bool) async {
        let process = self.process
        process?.send(SIGKILL)
        // In a task of its own: it must happen in a cancelled one, too.
        let folder = self.folder
        await Task {
            do {
                try await process?.end()
                try await self.leavesNoProcess()
                if removesFolder { try FileManager.default.removeItem(atPath: folder) }
            } catch {
                Issue.record("cannot clean up: \(error)")
            }
        }.value
        self.current.withLock { $0?.api.close() }
    }

    var process: ChildProcess? { self.current.withLock { $0?.process } }

    var api: API {
        get throws {
            guard let api = self.current.withLock({ $0?.api }) else { throw Unexpected("the server does not run") }
            return api
        }
    }

    var arguments: [String] { ["serve", "--port", "0", "--data", self.folder] }

    /// Starts the program, and waits for nothing.
    func launch() throws -> ChildProcess {
        try ChildProcess(Programs.sandbox, self.arguments, environment: self.environment)
    }

    /// Starts the server and waits until it answers.
    @discardableResult
    func start() async throws -> API {
        let process = try self.launch()
        do {
            try await process.prints("Listening http.port=")
            let api = try API(port: try Self.port(in: process.errors))
            let previous = self.current.withLock { current in
                defer { current = (process, api) }
                return current
            }
            previous?.api.close()
            return api
        } catch {
            process.send(SIGKILL)
            try await process.end()
            throw error
        }
    }

    private static func port(in log: String) throws -> UInt16 {
        guard let range = log.range(of: "Listening http.port="),
            let port = UInt16(log[range.upperBound...].prefix { $0.isNumber })
        else { throw Unexpected("no port in the log: \(log)") }
        return port
    }

    /// SIGKILL, and nothing else.
    func kill() async throws {
        let process = try #require(self.process)
        process.send(SIGKILL)
        #expect(try await process.end() == .signal(SIGKILL))
    }

    /// SIGTERM; the server must end well by itself.
    func stop() async throws {
        let process = try #require(self.process)
        process.send(SIGTERM)
        let end = try await process.end()
        #expect(end == .exit(0), "\(process.errors.suffix(2000))")
    }

    /// Waits for the last process of the server and its sandboxes to be gone.
    func leavesNoProcess() async throws {
        _ = try await eventually(
            "no process of \(self.folder) is left, there is \(Leftovers.processes(of: self.folder))"
        ) {
            Leftovers.processes(of: self.folder).isEmpty ? true : nil
        }
    }
}
