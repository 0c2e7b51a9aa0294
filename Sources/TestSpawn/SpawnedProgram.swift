import CSystem
import Foundation
public import Glibc
import ServiceKit

/// A program that was started with what it is given here, and with nothing else of this process.
///
/// `Foundation.Process` is not used: looking for descriptors to close, it copies entries of `/proc/self/fd` in full length
/// from a buffer that may end before. A process with some hundred descriptors, as tests have, can end by that.
public struct SpawnedProgram: Sendable {
    public let pid: pid_t

    /// What else is asked for.
    public struct Options: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Signals to the group of this process do not reach it.
        public static let leadsSession = Options(rawValue: 1)
        /// The kernel ends it with the thread that starts it, which has to stay until then.
        public static let endsWithThread = Options(rawValue: 2)
    }

    /// - Parameters:
    ///   - program: A path.
    ///   - environment: Defaults to that of this process.
    ///   - input: What it reads; the caller keeps its own descriptor. Defaults to nothing.
    ///   - output: What it prints to. Defaults to nowhere.
    ///   - errors: The same for standard error.
    /// - Throws: ``SpawnError``
    public init(
        _ program: String,
        _ arguments: [String],
        environment: [String: String]? = nil,
        directory: String? = nil,
        input: Int32? = nil,
        output: Int32? = nil,
        errors: Int32? = nil,
        options: Options = []
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in [input, output, errors].enumerated() {
            if let descriptor {
                posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
            } else {
                posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            }
        }
        // Nothing else of ours is theirs: a socket would stay open in them when we have closed it.
        _ = csr_spawn_close_from(&actions, 3)
        if let directory { _ = csr_spawn_change_directory(&actions, directory) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // What is ignored here is not ignored there.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let setsid: Int16 = 0x80
        let flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, flags | (options.contains(.leadsSession) ? setsid : 0))
        let guarding = options.contains(.endsWithThread) ? ["/usr/bin/setpriv", "--pdeathsig", "TERM"] : []
        let words = guarding + [program] + arguments
        let argv = words.map { strdup($0) } + [nil]
        let variables = environment ?? ProcessInfo.processInfo.environment
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, words[0], &actions, &attributes, argv, envp)
        guard result == 0 else { throw SpawnError("cannot start \(program): \(String(cString: strerror(result)))") }
        self.pid = pid
    }

    /// Blocks until it has ended. Once only: then its number is free for others.
    @discardableResult
    public func wait() -> ProgramEnd {
        var status: Int32 = 0
        while waitpid(self.pid, &status, 0) < 0, errno == EINTR {}
        return ProgramEnd(waitStatus: status)
    }

    /// Runs a program to its end, and returns what it printed.
    ///
    /// - Throws: ``SpawnError`` also if it failed.
    @discardableResult
    public static func output(
        of program: String,
        _ arguments: [String],
        environment: [String: String]? = nil
    ) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { caller in
            do {
                // It blocks until the program ends.
                try DedicatedThread.start(name: "program") {
                    caller.resume(
                        with: Result { try Self.outputAndWait(program, arguments, environment) }
                    )
                }
            } catch {
                caller.resume(throwing: error)
            }
        }
    }

    private static func outputAndWait(
        _ program: String,
        _ arguments: [String],
        _ environment: [String: String]?
    ) throws -> [UInt8] {
        let pipe = try DescriptorPair()
        defer { Glibc.close(pipe.reading) }
        let started = Result { try SpawnedProgram(program, arguments, environment: environment, output: pipe.writing) }
        Glibc.close(pipe.writing)
        let process = try started.get()
        var text: [UInt8] = []
        while case let piece = DescriptorPair.read(pipe.reading), !piece.isEmpty { text += piece }
        let end = process.wait()
        guard end == .exit(0) else { throw SpawnError("\(program) failed: \(end)") }
        return text
    }
}
