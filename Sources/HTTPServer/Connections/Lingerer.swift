import Glibc
import ServiceKit

/// Reads, and throws away, what clients still send after they were refused.
///
/// To close a connection with data unread is to reset it, and a client that is busy sending then loses the answer before
/// it has read it. So the socket, on which nothing is sent any more, is kept until the client is done, for a while. There
/// are few at a time: whoever comes beyond that is closed at once.
final class Lingerer: Sendable {
    /// One client that was refused.
    struct Client: Sendable, Equatable {
        /// Nanoseconds for which it may send nothing, and which it has in all.
        static let silence: UInt64 = 5_000_000_000
        static let patience: UInt64 = 30_000_000_000
        /// Bytes that it may send.
        static let allowance = 256 << 20

        let descriptor: Int32
        private let end: UInt64
        private var heardAt: UInt64
        private var left = Self.allowance

        init(descriptor: Int32, now: UInt64) {
            self.descriptor = descriptor
            self.end = now + Self.patience
            self.heardAt = now
        }

        /// When it has had its time.
        var deadline: UInt64 { min(self.end, self.heardAt + Self.silence) }

        /// - Returns: Whether it may go on.
        mutating func heard(_ bytes: Int, now: UInt64) -> Bool {
            self.heardAt = now
            self.left -= bytes
            return self.left > 0 && now < self.end
        }
    }

    private struct State: Sendable {
        var arrivals: [Int32] = []
        /// With those that the thread has.
        var count = 0
        var isStopped = false
    }

    /// How many there may be.
    static let limit = 64
    private static let pieceSize = 262_144

    private let state = Locked(State())
    /// Written to by whoever wants the thread's attention.
    private let wakeUp: (reading: Int32, writing: Int32)
    private let ended = Signal()

    /// - Throws: ``HTTPServerError`` `.io` when the system has no descriptors or no thread.
    init() throws(HTTPServerError) {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard socketpair(AF_UNIX, Int32(type), 0, &ends) == 0 else {
            throw HTTPServerError(.io, "no descriptor is left: \(String(cString: strerror(errno)))")
        }
        self.wakeUp = (ends[0], ends[1])
        do {
            try DedicatedThread.start(name: "http-lingerer") { [self] in self.run() }
        } catch {
            self.closeWakeUp()
            throw HTTPServerError(.io, "no thread for the server", cause: error)
        }
    }

    /// Keeps the socket for a while, by a descriptor of its own.
    func take(_ descriptor: Int32) {
        self.state.withLock { state in
            guard !state.isStopped, state.count < Self.limit else { return }
            let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            guard own >= 0 else { return }
            state.arrivals.append(own)
            state.count += 1
            // Under the lock: the thread closes it after it has seen the stop. Where it is full, the thread is awake.
            self.wake()
        }
    }

    func requestStop() {
        self.state.withLock { state in
            if !state.isStopped { self.wake() }
            state.isStopped = true
        }
    }

    /// Closes what there is, and returns when that is done.
    func stop() async {
        self.requestStop()
        // Thrown only on cancellation: then the thread ends unwatched.
        try? await self.ended.wait()
    }

    private func wake() {
        var byte: UInt8 = 0
        _ = write(self.wakeUp.writing, &byte, 1)
    }

    private func closeWakeUp() {
        close(self.wakeUp.reading)
        close(self.wakeUp.writing)
    }

    // MARK: - On its thread

    private func run() {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        defer { scratch.deallocate() }
        var clients: [Client] = []
        while self.welcome(&clients) {
            var polls = [pollfd(fd: self.wakeUp.reading, events: Int16(POLLIN), revents: 0)]
            polls += clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&polls, nfds_t(polls.count), Self.milliseconds(until: clients.map(\.deadline).min()))
            if polls[0].revents != 0 { _ = read(self.wakeUp.reading, scratch.baseAddress, scratch.count) }
            let now = MonotonicTime.now()
            var others: [Client] = []
            for (client, poll) in zip(clients, polls.dropFirst()) {
                if let client = Self.listen(to: client, isReadable: poll.revents != 0, scratch, now) {
                    others.append(client)
                } else {
                    close(client.descriptor)
                }
            }
            let gone = clients.count - others.count
            clients = others
            self.state.withLock { $0.count -= gone }
        }
        for client in clients { close(client.descriptor) }
        self.closeWakeUp()
        self.ended.fire()
    }

    /// Takes in those who came. Returns whether the thread is to go on.
    private func welcome(_ clients: inout [Client]) -> Bool {
        let (arrivals, isStopped) = self.state.withLock { state in
            defer { state.arrivals = [] }
            return (state.arrivals, state.isStopped)
        }
        let now = MonotonicTime.now()
        clients += arrivals.map { Client(descriptor: $0, now: now) }
        return !isStopped
    }

    /// - Returns: `nil` when the client is done, or has had its time.
    private static func listen(
        to client: Client,
        isReadable: Bool,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ now: UInt64
    ) -> Client? {
        guard isReadable else { return client.deadline > now ? client : nil }
        let count = recv(client.descriptor, scratch.baseAddress, scratch.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return client }
        var client = client
        return count > 0 && client.heard(count, now: now) ? client : nil
    }

    private static func milliseconds(until deadline: UInt64?) -> Int32 {
        guard let deadline else { return -1 }
        let now = MonotonicTime.now()
        return deadline > now ? Int32((deadline - now) / 1_000_000) + 1 : 0
    }
}
