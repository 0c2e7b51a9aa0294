import AgentProtocol
import Dispatch
import Foundation
import Glibc

/// The real agent as PID 1 of a bubblewrap sandbox, seen from its host.
///
/// A sandbox of its own is not a convenience: the agent ends every process that it sees.
final class SandboxedAgent: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let isPossible = access("/usr/bin/bwrap", X_OK) == 0 && access("/usr/bin/python3.11", X_OK) == 0
    static let hasNode = access("/usr/bin/node", X_OK) == 0
    static let withoutReason = "needs /usr/bin/bwrap and /usr/bin/python3.11"

    let pid: pid_t
    let directory: String
    private let socket: Int32
    /// Blocking calls stay off the threads of the tests.
    private let queue = DispatchQueue(label: "agent")
    private let decoder = Decoder()

    /// Touched on `queue` alone.
    private final class Decoder: @unchecked Sendable {
        var frames = FrameDecoder()
    }

    /// Starts a sandbox and waits for its agent.
    static func start(_ configuration: AgentConfiguration = AgentConfiguration()) async throws -> SandboxedAgent {
        let agent = try SandboxedAgent()
        try await agent.send(.configure(configuration))
        return agent
    }

    private init() throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw Failure(description: "socketpair: \(errno)")
        }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        var patience = timeval(tv_sec: 240, tv_usec: 0)
        setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        self.socket = ends[0]
        self.directory = try Self.makeDirectory()
        self.pid = try Self.spawn(Self.command(in: self.directory, socket: ends[1]))
        close(ends[1])
    }

    /// Ends the sandbox and waits until it is gone.
    func stop() async {
        await withCheckedContinuation { done in
            self.queue.async {
                shutdown(self.socket, Int32(SHUT_RDWR))
                var status: Int32 = 0
                while waitpid(self.pid, &status, 0) < 0 && errno == EINTR {}
                done.resume()
            }
        }
        close(self.socket)
        // A left-over in the temporary directory is no failure of the test.
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    func send(_ message: HostMessage) async throws {
        try await self.send(bytes: try message.encoded())
    }

    func send(bytes: [UInt8]) async throws {
        try await self.onQueue {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(self.socket, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                // Said of a socket with a time limit also when this process was stopped and goes on.
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Failure(description: "the agent is gone: \(errno)") }
                sent += count
            }
        }
    }

    /// The next message, or an error when the agent is gone or silent for 40 s.
    func receive() async throws -> AgentMessage {
        try await self.onQueue {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                if let frame = try self.decoder.frames.next() { return try AgentMessage(decoding: frame) }
                let count = recv(self.socket, &buffer, buffer.count, 0)
                guard count > 0 else { throw Failure(description: "the agent is gone or silent: \(count) \(errno)") }
                self.decoder.frames.append(Array(buffer[..<count]))
            }
        }
    }

    func ready() async throws -> AgentReady {
        guard case .ready(let ready) = try await self.receive() else { throw Failure(description: "not ready") }
        return ready
    }

    func end() async throws -> ExecutionEnd {
        let message = try await self.receive()
        guard case .ended(let end) = message else { throw Failure(description: "no end but \(message)") }
        return end
    }

    func run(_ request: ExecuteRequest) async throws -> ExecutionEnd {
        try await self.send(.execute(request))
        return try await self.end()
    }

    func run(_ language: AgentLanguage, _ code: String, event: String = "{}") async throws -> ExecutionEnd {
        try await self.run(.make(language, code, event: event))
    }

    /// The pids, as this machine counts them, of the processes whose parent is the sandbox's agent.
    func childrenOfFirstProcess() -> [pid_t] {
        self.children(of: self.pid).flatMap { self.children(of: $0) }
    }

    private func children(of pid: pid_t) -> [pid_t] {
        let handle = FileHandle(forReadingAtPath: "/proc/\(pid)/task/\(pid)/children")
        let text = String(decoding: handle?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    private func onQueue<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { caller in
            self.queue.async { caller.resume(with: Result { try body() }) }
        }
    }
}

extension ExecuteRequest {
    static func make(_ language: AgentLanguage, _ code: String, event: String = "{}", id: String = "e") -> Self {
        Self(id: AgentExecutionID(id), language: language, code: Array(code.utf8), event: Array(event.utf8))
    }
}

extension ExecutionEnd {
    var out: String { String(decoding: self.stdout.bytes, as: UTF8.self) }
    var err: String { String(decoding: self.stderr.bytes, as: UTF8.self) }
    var value: String? { self.returnValue.map { String(decoding: $0, as: UTF8.self) } }
}
