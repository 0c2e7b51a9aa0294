import Glibc
import ServiceKit
import TestProcesses
import TestSpawn
import Testing

/// A gateway, a dispatcher or a node: a process that can be started again with the same settings, and what all its lives
/// have printed.
final class ClusterPart: Sendable {
    enum Kind: String, Sendable { case gateway = "APIGateway", dispatcher = "Dispatcher", node = "WorkerNode" }

    let kind: Kind
    let name: String
    let folder: String
    let port: UInt16
    private let environment: [String: String]
    /// Where it runs; `nil` for this machine's own network.
    let host: BridgedNetwork.Host?
    private let lives = Locked<[ChildProcess]>([])

    init(
        _ kind: Kind,
        name: String,
        folder: String,
        port: UInt16,
        environment: [String: String],
        host: BridgedNetwork.Host? = nil
    ) {
        self.kind = kind
        self.name = name
        self.folder = folder
        self.port = port
        self.host = host
        var own = ["DATA_DIR": folder, "PORT": "\(port)"]
        if let host {
            own["HOST"] = host.address
            own["ADVERTISED_URL"] = "http://\(host.address):\(port)"
        }
        self.environment = environment.merging(own) { $1 }
    }

    var process: ChildProcess {
        get throws {
            guard let process = self.lives.withLock({ $0.last }) else {
                throw Unexpected("\(self.name) was not started")
            }
            return process
        }
    }

    var log: String { self.lives.withLock { $0 }.map(\.errors).joined(separator: "--- started again\n") }

    /// Starts the program, and waits for nothing.
    func launch() throws {
        let command = (self.host?.prefix ?? []) + ["\(Programs.directory)/\(self.kind.rawValue)"]
        let process = try ChildProcess(command[0], Array(command.dropFirst()), environment: self.environment)
        self.lives.withLock { $0.append(process) }
    }

    /// SIGKILL; returns when it is gone. One that has ended by itself is a failure of the test.
    func kill() async throws {
        let process = try self.process
        process.send(SIGKILL)
        let end = try await process.end()
        #expect(end == .signal(SIGKILL), "\(self.name) ended by itself: \(process.errors.suffix(1000))")
    }

    /// SIGSTOP: the kernel takes connections for it, and nothing is answered.
    func pause() throws { try self.process.send(SIGSTOP) }

    /// SIGCONT.
    func goOn() throws { try self.process.send(SIGCONT) }

    /// SIGTERM; it must end well by itself.
    func stop() async throws {
        let process = try self.process
        process.send(SIGTERM)
        let end = try await process.end()
        #expect(end == .exit(0), "\(self.name): \(process.errors.suffix(2000))")
    }

    /// Ends it, however it is.
    func remove() async throws {
        for process in self.lives.withLock({ $0 }) {
            process.send(SIGKILL)
            try await process.end()
        }
    }
}
