import Glibc
import ServiceKit

/// A TCP client that sends bytes as they are. Its calls block a thread of their own, never one of the pool.
final class RawClient: Sendable {
    enum End: Sendable, Equatable {
        /// The server closed, or reset, the connection.
        case closed
        /// What was asked for has come.
        case enough
        /// Nothing came for four minutes.
        case silent
    }

    struct Failure: Error { let what: String }

    let descriptor: Int32
    /// Received and not yet taken.
    private let buffer = Locked<[UInt8]>([])

    /// - Parameter receiveBuffer: In bytes; a small one makes a slow reader.
    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(what: "socket") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let problem = errno
            close(descriptor)
            throw Failure(what: "connect: \(String(cString: strerror(problem)))")
        }
        var patience = timeval(tv_sec: 240, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var isOn: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    /// Sends all of it; returns false if the server closed before.
    @discardableResult
    func send(_ bytes: [UInt8], pieces: Int? = nil) async throws -> Bool {
        try await Self.onThread { [self] in
            var sent = 0
            while sent < bytes.count {
                let count = min(pieces ?? bytes.count, bytes.count - sent)
                let result = bytes.withUnsafeBytes {
                    Glibc.send(self.descriptor, $0.baseAddress.map { $0 + sent }, count, Int32(MSG_NOSIGNAL))
                }
                guard result > 0 else { return false }
                sent += result
            }
            return true
        }
    }

    @discardableResult
    func send(_ text: String, pieces: Int? = nil) async throws -> Bool {
        try await self.send(Array(text.utf8), pieces: pieces)
    }

    /// Closes the connection, as a client that leaves does. Whatever is sent to it afterwards is answered with a reset.
    func leave() {
        // The number stays taken until the end of this object: another file takes the socket's place, which closes it.
        let null = open("/dev/null", O_RDWR)
        dup2(null, self.descriptor)
        close(null)
    }

    /// Reads everything until the server closes.
    func readToEnd() async throws -> (bytes: [UInt8], end: End) {
        try await Self.onThread { [self] in
            while true {
                let end = self.receive()
                if end != .enough { return (self.takeAll(), end) }
            }
        }
    }

    /// Reads one response, however its body is framed.
    ///
    /// - Parameter isHead: Whether it answers a HEAD request, and so has no body.
    /// - Returns: `nil` if the connection ended before a head had come whole.
    func readResponse(isHead: Bool = false) async throws -> RawResponse? {
        try await Self.onThread { [self] in
            while true {
                var isClosed = false
                let parsed = self.buffer.withLock { RawResponse.take(from: &$0, isHead: isHead, isClosed: false) }
                if let parsed { return parsed }
                if self.receive() != .enough { isClosed = true }
                if isClosed {
                    return self.buffer.withLock { RawResponse.take(from: &$0, isHead: isHead, isClosed: true) }
                }
            }
        }
    }

    /// Reads until at least `count` bytes have come, and takes all there are.
    func read(atLeast count: Int) async throws -> [UInt8] {
        try await Self.onThread { [self] in
            while self.buffer.withLock({ $0.count }) < count, self.receive() == .enough {}
            return self.takeAll()
        }
    }

    /// Reads until `text` has come, and takes all there is; the empty array if it never does.
    func read(through text: String) async throws -> [UInt8] {
        try await Self.onThread { [self] in
            while true {
                let hasCome = self.buffer.withLock { String(decoding: $0, as: UTF8.self).contains(text) }
                if hasCome { return self.takeAll() }
                if self.receive() != .enough { return [] }
            }
        }
    }

    private func takeAll() -> [UInt8] {
        self.buffer.withLock { buffer in
            defer { buffer = [] }
            return buffer
        }
    }

    private func receive() -> End {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        repeat {
            count = recv(self.descriptor, &chunk, chunk.count, 0)
            // Said of a socket with a time limit also when the process was stopped and goes on.
        } while count < 0 && errno == EINTR
        if count > 0 {
            self.buffer.withLock { $0 += chunk[..<count] }
            return .enough
        }
        return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? .silent : .closed
    }

    /// Whether the system takes more to send. To be called on a thread of its own.
    static func isWritable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return false }
        // Not for good: the sender fills it.
        Self.pause(milliseconds: 1)
        return true
    }

    /// Whether the server closed, or does within the time.
    static func isClosed(_ descriptor: Int32, within milliseconds: Int32) async throws -> Bool {
        try await Self.onThread {
            var request = pollfd(fd: descriptor, events: 0, revents: 0)
            return poll(&request, 1, milliseconds) > 0
        }
    }

    /// Blocks the thread, which must not be one of the pool.
    static func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    static func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async throws -> R {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<R, any Error>) in
            do {
                try DedicatedThread.start(name: "test-client") { done.resume(returning: body()) }
            } catch {
                done.resume(throwing: error)
            }
        }
    }
}
