import Foundation
import Glibc
public import HTTPClient
import ServiceKit

/// A Docker daemon of its own, with its own images and containers, that ends with this process whatever happens to it.
///
/// It needs root and Debian's docker.io; it makes no network and touches no firewall.
public final class RealDocker: Sendable {
    /// What a test cannot go on without.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String

        public init(_ description: String) { self.description = description }
    }

    public static let program = "/usr/sbin/dockerd"

    /// Why there cannot be one here; `nil` if there can.
    public static let obstacle: String? =
        if geteuid() != 0 {
            "needs root to start a Docker daemon"
        } else if access(RealDocker.program, X_OK) != 0 {
            "needs \(RealDocker.program), of the package docker.io"
        } else if access("/usr/bin/setpriv", X_OK) != 0 {
            "needs /usr/bin/setpriv, of the package util-linux"
        } else {
            nil
        }

    /// Holds all of its files.
    public let directory: String
    private let daemon = Locked<NotifyingProcess?>(nil)
    private let client: HTTPClient

    public var socketPath: String { "\(self.directory)/docker.sock" }
    /// As `DOCKER_HOST` gives it.
    public var host: String { "unix://\(self.socketPath)" }
    public var isRunning: Bool { self.daemon.withLock { $0 } != nil }

    /// Makes the folder; ``start()`` has to follow.
    public init() throws {
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        // Short: a socket's path may have 107 bytes.
        self.directory = "\(temporary)/docker-\(UUID().uuidString.prefix(8))"
        self.client = try HTTPClient()
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
    }

    // MARK: One for all tests

    private static let first = Locked<Task<RealDocker, any Error>?>(nil)
    private static let running = Locked<RealDocker?>(nil)

    /// The one of this process, started when it is first asked for, and ended with the process.
    public static func shared() async throws -> RealDocker {
        let task = Self.first.withLock { first in
            if let first { return first }
            // A task of its own: many wait for it, and none of them may cut it short.
            let task = Task {
                if let obstacle = Self.obstacle { throw Failure(obstacle) }
                let docker = try RealDocker()
                Self.running.withLock { $0 = docker }
                atexit { RealDocker.running.withLock { $0 }?.destroy() }
                try await docker.start()
                return docker
            }
            first = task
            return task
        }
        return try await task.value
    }

    // MARK: Life

    /// Returns when it takes requests. After ``stop()`` or ``kill()``: on the same files.
    public func start() async throws {
        let arguments = [
            "--host", self.host, "--data-root", "\(self.directory)/data", "--exec-root", "\(self.directory)/exec",
            "--pidfile", "\(self.directory)/pid", "--bridge=none", "--iptables=false", "--ip6tables=false",
        ]
        let daemon = try await NotifyingProcess.start(
            Self.program,
            arguments,
            log: "\(self.directory)/log",
            notifying: "\(self.directory)/notify"
        )
        self.daemon.withLock { $0 = daemon }
    }

    /// Ends it at once, as a crash would. Its containers go on until it is started again.
    public func kill() async { await self.end(SIGKILL) }

    /// Ends it in good order, with its containers.
    public func stop() async { await self.end(SIGTERM) }

    private func end(_ signal: Int32) async {
        let daemon = self.daemon.withLock { daemon in
            defer { daemon = nil }
            return daemon
        }
        await daemon?.end(signal)
    }

    /// Ends it with all of its containers, and removes its files. Blocks.
    public func destroy() {
        self.client.close()
        self.daemon.withLock { $0 }?.endAndWait(SIGTERM)
        // Its own containerd outlives it while containers run, or after a kill.
        let file = "\(self.directory)/exec/containerd/containerd.pid"
        if let text = try? String(contentsOfFile: file, encoding: .utf8), let pid = pid_t(text), pid > 1 {
            Glibc.kill(pid, SIGTERM)
        }
        self.unmount()
        // A left-over in the temporary directory is no failure of a test.
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    /// A daemon leaves a few mounts of its own.
    private func unmount() {
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        let points = mounts.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            return fields.count > 4 ? String(fields[4]) : nil
        }
        // The innermost first; one that is busy is let go of later.
        for point in points.reversed() where point.hasPrefix(self.directory + "/") {
            umount2(point, Int32(MNT_DETACH))
        }
    }

    /// The last of what it printed.
    public var log: String {
        let text = (try? String(contentsOfFile: "\(self.directory)/log", encoding: .utf8)) ?? "no log"
        return text.split(separator: "\n").suffix(20).joined(separator: "\n")
    }

    // MARK: Requests

    /// Sends a request of the Engine's API, without the version.
    ///
    /// - Throws: ``Failure`` with the answer if its status is none of 2xx.
    @discardableResult
    public func request(
        _ method: String,
        _ path: String,
        body: [HTTPClientRequest.Segment]? = nil
    ) async throws -> [UInt8] {
        let answer = try await self.client.send(
            HTTPClientRequest(
                method,
                "http://docker/v1.41\(path)",
                unixSocketPath: self.socketPath,
                headers: body == nil ? [:] : ["Content-Type": "application/json"],
                body: body
            )
        )
        guard answer.isSuccess else { throw Failure("\(method) \(path): \(answer.status) \(answer.text)") }
        return answer.body
    }
}
