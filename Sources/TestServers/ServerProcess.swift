import Glibc
import ServiceKit
import TestSpawn

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
        let (process, input, output) = try Self.spawn(program, arguments)
        self.pid = process.pid
        self.lifeline = input
        try DedicatedThread.start(name: "server-output") { [log, ready] in
            Self.read(output, into: log, until: readyText, ready)
        }
        try DedicatedThread.start(name: "server-end") { [ended, ready] in
            process.wait()
            ended.fire()
            ready.fire()
        }
    }

    /// - Returns: The process, our end of its input, and of its output.
    private static func spawn(_ program: String, _ arguments: [String]) throws -> (SpawnedProgram, Int32, Int32) {
        let (input, output) = (try DescriptorPair(), try DescriptorPair())
        defer {
            close(input.reading)
            close(output.writing)
        }
        do {
            let process = try SpawnedProgram(
                "/bin/sh",
                ["-c", Self.script, "server", program] + arguments,
                input: input.reading,
                output: output.writing,
                errors: output.writing
            )
            return (process, input.writing, output.reading)
        } catch {
            close(input.writing)
            close(output.reading)
            throw error
        }
    }

    deinit { close(self.lifeline) }

    func waitUntilReady() async throws {
        try await self.ready.wait()
        if self.ended.isFired { throw TestServerError("the server ended: \(self.log.withLock { $0 })") }
    }

    func send(_ signal: Int32) { if !self.ended.isFired { kill(self.pid, signal) } }

    private static func read(_ descriptor: Int32, into log: Locked<String>, until text: String, _ ready: Signal) {
        defer { close(descriptor) }
        while case let piece = DescriptorPair.read(descriptor), !piece.isEmpty {
            let isThere = log.withLock { log in
                // The last lines are enough, for the word and for whoever looks for a reason.
                log = String((log + String(decoding: piece, as: UTF8.self)).suffix(16_384))
                return log.contains(text)
            }
            if isThere { ready.fire() }
        }
    }
}
