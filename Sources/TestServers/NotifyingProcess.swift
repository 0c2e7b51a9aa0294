import Dispatch
import Foundation
import Glibc
import ServiceKit
import TestSpawn

/// A server that leads a session of its own, tells when it is ready, and is ended by the kernel with this process.
final class NotifyingProcess: Sendable {
    private let pid: pid_t
    /// Signalled by the thread that waits for it, again and again.
    private let ended: DispatchSemaphore
    private let isGone = Signal()

    private init(pid: pid_t, ended: DispatchSemaphore) {
        self.pid = pid
        self.ended = ended
    }

    /// Starts a program that speaks systemd's `sd_notify`, and returns when it has said that it is ready.
    ///
    /// - Parameters:
    ///   - log: A file for what it prints.
    ///   - socket: A path of at most 107 bytes where it is heard.
    static func start(
        _ program: String,
        _ arguments: [String],
        log: String,
        notifying socket: String,
        timeout: Duration = .seconds(180)
    ) async throws -> NotifyingProcess {
        let notice = try Notice(path: socket, timeout: timeout)
        let ended = DispatchSemaphore(value: 0)
        return try await withCheckedThrowingContinuation { caller in
            do {
                // The kernel ends the server with the thread that started it: this one stays until then.
                try DedicatedThread.start(name: "test-server") {
                    let started = Result {
                        try Self.spawn(program, arguments, log: log, notice: notice)
                    }
                    guard case .success(let process) = started else {
                        return caller.resume(with: started.map { NotifyingProcess(pid: $0.pid, ended: ended) })
                    }
                    let server = NotifyingProcess(pid: process.pid, ended: ended)
                    if notice.await() {
                        caller.resume(returning: server)
                    } else {
                        Glibc.kill(process.pid, SIGKILL)
                        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                        let last = text.split(separator: "\n").suffix(5).joined(separator: "\n")
                        caller.resume(throwing: RealDocker.Failure("\(program) is not ready: \(last)"))
                    }
                    process.wait()
                    server.isGone.fire()
                    ended.signal()
                }
            } catch {
                caller.resume(throwing: error)
            }
        }
    }

    /// Returns when it is gone.
    func end(_ signal: Int32) async {
        if !self.isGone.isFired { Glibc.kill(self.pid, signal) }
        // Nothing but cancellation is thrown: then nobody wants to know.
        try? await self.isGone.wait()
    }

    /// Blocks until it is gone, which is seen to after 20 s.
    func endAndWait(_ signal: Int32) {
        if !self.isGone.isFired { Glibc.kill(self.pid, signal) }
        if self.ended.wait(timeout: .now() + 20) == .timedOut {
            Glibc.kill(self.pid, SIGKILL)
            self.ended.wait()
        }
        self.ended.signal()
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        log: String,
        notice: Notice
    ) throws -> SpawnedProgram {
        let file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SpawnError("no log \(log): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var environment = ProcessInfo.processInfo.environment
        environment["NOTIFY_SOCKET"] = notice.path
        return try SpawnedProgram(
            program,
            arguments,
            environment: environment,
            output: file,
            errors: file,
            // A session of its own: a signal to the group of its starter must not end it, too.
            options: [.leadsSession, .endsWithThread]
        )
    }
}

/// The socket to which a server writes `READY=1`.
private final class Notice: Sendable {
    let path: String
    private let socket: Int32
    private let deadline: ContinuousClock.Instant

    init(path: String, timeout: Duration) throws {
        self.path = path
        self.deadline = .now + timeout
        self.socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        _ = fcntl(self.socket, F_SETFD, FD_CLOEXEC)
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard self.socket >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw RealDocker.Failure("cannot listen at \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw RealDocker.Failure("cannot listen at \(path): error \(errno)") }
    }

    deinit { close(self.socket) }

    /// Blocks until the server is ready, or time is over.
    func await() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = (self.deadline - .now) / .milliseconds(1)
            var entry = pollfd(fd: self.socket, events: Int16(POLLIN), revents: 0)
            let count = left > 0 ? poll(&entry, 1, Int32(left.rounded(.up))) : 0
            if count == 0 { return false }
            guard count > 0 else { continue }
            let length = recv(self.socket, &buffer, buffer.count, 0)
            let text = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
            if text.split(separator: "\n").contains("READY=1") { return true }
        }
    }
}
