import CSystem
import Glibc
import ServiceKit

/// A program that ends when this process does, however that ends.
///
/// Programs that are started at the same time do not hold on to each other's pipes.
final class ServerProcess: Sendable {
    let pid: Int32
    /// Fires when it is gone.
    let ended = Signal()
    private let ready = Signal()
    private let log = Locked("")
    /// The only writer: when it is closed, by us or by the kernel, the guard ends the program.
    private let lifeline: Int32

    /// Becomes the program, under a guard that ends it when the other end of standard input is closed.
    private static let script = """
        exec 3<&0
        name=$(basename "$1")
        (read -r _ <&3; [ "$(cat /proc/$$/comm)" = "$name" ] && kill -9 $$) >/dev/null 2>&1 &
        exec "$@" </dev/null 3<&-
        """

    /// - Parameter readyText: What it prints when it is ready; see ``waitUntilReady()``.
    init(_ program: String, _ arguments: [String], readyText: String) throws {
        // One at a time, until what other programs must not get is marked so.
        let (pid, input, output) = try Self.spawning.withLock { _ in try Self.spawn(program, arguments) }
        self.pid = pid
        self.lifeline = input
        try DedicatedThread.start(name: "server-output") { [log, ready] in
            Self.read(output, into: log, until: readyText, ready)
        }
        try DedicatedThread.start(name: "server-end") { [ended, ready] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            ended.fire()
            ready.fire()
        }
    }

    private static let spawning = Locked(())

    /// - Returns: The process, our end of its input, and of its output.
    private static func spawn(_ program: String, _ arguments: [String]) throws -> (pid_t, Int32, Int32) {
        let (input, output) = (try Self.pipe(), try Self.pipe())
        defer {
            close(input.reading)
            close(output.writing)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, output.writing, 2)
        let words = ["/bin/sh", "-c", Self.script, "server", program] + arguments
        let pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var pid = pid_t()
        // Nothing else of ours is theirs: a socket would stay open in them when we have closed it.
        _ = csr_spawn_close_from(&actions, 3)
        let result = posix_spawn(&pid, "/bin/sh", &actions, nil, pointers, environ)
        guard result == 0 else {
            close(input.writing)
            close(output.reading)
            throw TestServerError("cannot start \(program): \(String(cString: strerror(result)))")
        }
        return (pid, input.writing, output.reading)
    }

    deinit { close(self.lifeline) }

    func waitUntilReady() async throws {
        try await self.ready.wait()
        if self.ended.isFired { throw TestServerError("the server ended: \(self.log.withLock { $0 })") }
    }

    func send(_ signal: Int32) { if !self.ended.isFired { kill(self.pid, signal) } }

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw TestServerError("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func read(_ descriptor: Int32, into log: Locked<String>, until text: String, _ ready: Signal) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        defer { close(descriptor) }
        while case let count = Glibc.read(descriptor, &buffer, buffer.count), count > 0 {
            let isThere = log.withLock { log in
                // The last lines are enough, for the word and for whoever looks for a reason.
                log = String((log + String(decoding: buffer[..<count], as: UTF8.self)).suffix(16_384))
                return log.contains(text)
            }
            if isThere { ready.fire() }
        }
    }
}
