import Foundation
import ServiceKit

/// A `redis-server` of our own, which keeps nothing on disk. It ends with this process, however that ends.
public final class RealRedis: Sendable {
    /// What a test that needs it says where it is missing.
    public static let isInstalled = RealRedis.program != nil
    public static let program: String? = ["/usr/bin", "/usr/local/bin", "/usr/sbin"].map { $0 + "/redis-server" }
        .first(where: FileManager.default.isExecutableFile(atPath:))

    /// Holds its socket.
    public let folder: String
    private let options: [String]
    private let password: String?
    private let host: String
    private let port: UInt16?
    private let process = Locked<ServerProcess?>(nil)

    private init(password: String?, host: String, port: UInt16?) throws {
        self.folder = NSTemporaryDirectory().appending("redis-\(UUID().uuidString)")
        self.password = password
        (self.host, self.port) = (host, port)
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        var options = ["--port", "\(port ?? 0)", "--bind", host, "--unixsocket", self.folder + "/socket"]
        options += ["--save", "", "--appendonly", "no", "--dir", self.folder]
        if let password { options += ["--requirepass", password] }
        self.options = options
    }

    /// Starts a server that listens on a Unix socket.
    ///
    /// - Parameters:
    ///   - password: What it asks for. Defaults to nothing.
    ///   - listensOnTCP: On a free port of `host` too, which ``url`` then names.
    public static func start(
        password: String? = nil,
        listensOnTCP: Bool = false,
        host: String = "127.0.0.1"
    ) async throws -> RealRedis {
        let port = listensOnTCP ? try LoopbackPorts.take() : nil
        let server = try RealRedis(password: password, host: host, port: port)
        do {
            try await server.launch()
        } catch {
            await server.stop()
            throw error
        }
        return server
    }

    /// Gives `body` a server, and afterwards leaves nothing of it, whatever happened.
    public static func with<Result: Sendable>(
        password: String? = nil,
        listensOnTCP: Bool = false,
        _ body: (RealRedis) async throws -> Result
    ) async throws -> Result {
        let server = try await self.start(password: password, listensOnTCP: listensOnTCP)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// As `REDIS_URL` takes it, with the password.
    public var url: String {
        let user = self.password.map { ":\($0)@" } ?? ""
        return self.port.map { "redis://\(user)\(self.host):\($0)/0" } ?? "redis+unix://\(user)\(self.folder)/socket"
    }

    /// SIGKILL; returns when it is gone.
    public func kill() async throws {
        guard let process = self.process.withLock({ $0 }) else { return }
        process.send(SIGKILL)
        try await process.ended.wait()
    }

    /// Starts it again, empty, at the same address.
    public func restart() async throws {
        try await self.kill()
        try await self.launch()
    }

    /// SIGSTOP: it takes connections, and answers nothing.
    public func freeze() { self.signal(SIGSTOP) }

    /// SIGCONT.
    public func thaw() { self.signal(SIGCONT) }

    /// Ends it and removes its folder. May be called again.
    public func stop() async {
        // In a task of its own: it must happen in a cancelled one, too. Waiting fails only there.
        await Task { try? await self.kill() }.value
        // What stays behind is a socket in the folder for temporary files.
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    private func signal(_ number: Int32) { self.process.withLock { $0 }?.send(number) }

    private func launch() async throws {
        guard let program = Self.program else { throw TestServerError("redis-server is not installed") }
        // Said last, of the Unix socket; of ports it is "Ready to accept connections", before that.
        let readyText = "ready to accept connections at"
        let process = try ServerProcess(program, self.options, readyText: readyText)
        self.process.withLock { $0 = process }
        try await process.waitUntilReady()
    }
}
