import CSystem
import Glibc

/// Forks sandboxes, one after the other, on a thread of its own: a fork copies the page tables, and takes its time.
///
/// A sandbox ends with this process, however that ends: its agent finds its connection closed, and the kernel kills bwrap.
final class Launcher: Sendable {
    struct Request: Sendable {
        var bwrapPath: String
        var arguments: [String]
        /// Bound into a stage that only the child sees; needs root.
        var binds: [(source: String, name: String)] = []
        var owner: FileOwner?
        /// `RLIMIT_NPROC` of the owner; 0 for none.
        var processLimit: Int = 0
        var groups: [FileDescriptor] = []
    }

    /// What is known of a child from the first moment.
    struct Child: Sendable {
        var pid: Int32
        var process: FileDescriptor
        var socket: FileDescriptor
        var output: FileDescriptor
        var info: FileDescriptor
    }

    /// Where a child finds what is bound for it. It exists everywhere, and bwrap itself uses it too.
    static let stage = "/tmp"

    private let thread = BlockingThreads(name: "sandbox-spawner", limit: 1)

    func launch(_ request: Request) async throws(RuntimeError) -> Child {
        try await self.thread.run { () throws(RuntimeError) in try Self.spawn(request) }
    }

    /// Children that still live are not touched.
    func close() { self.thread.close() }

    private static func spawn(_ request: Request) throws(RuntimeError) -> Child {
        func pair(_ call: String, _ make: (UnsafeMutablePointer<Int32>) -> Int32) throws(RuntimeError)
            -> (FileDescriptor, FileDescriptor)
        {
            var numbers: [Int32] = [-1, -1]
            guard make(&numbers) == 0 else {
                throw RuntimeError(.exhausted, "no descriptor for a sandbox", cause: SystemError.last(in: call))
            }
            return (FileDescriptor(numbers[0]), FileDescriptor(numbers[1]))
        }
        let (socket, agent) = try pair("socketpair", csr_socketpair)
        let (output, outputEnd) = try pair("pipe", csr_pipe)
        let (info, infoEnd) = try pair("pipe", csr_pipe)
        for reading in [output, info] where fcntl(reading.number, F_SETFL, O_NONBLOCK) != 0 {
            throw RuntimeError(.exhausted, "cannot set up a pipe", cause: SystemError.last(in: "fcntl"))
        }

        let arguments = CStrings(request.arguments)
        let environment = CStrings(BubblewrapArguments.environment)
        let names = CStrings(request.binds.flatMap { [$0.source, $0.name] })
        let binds = request.binds.indices.map { index in
            csr_bind(source: names.pointers[2 * index], name: names.pointers[2 * index + 1])
        }
        let groups = request.groups.map(\.number)
        var process: Int32 = -1
        // The call is given their pointers and numbers alone.
        defer { withExtendedLifetime((arguments, environment, names, agent, outputEnd, infoEnd)) {} }
        let pid = request.bwrapPath.withCString { path in
            stage.withCString { stage in
                groups.withUnsafeBufferPointer { groups in
                    binds.withUnsafeBufferPointer { binds in
                        var spawn = csr_spawn()
                        spawn.path = path
                        spawn.argv = UnsafePointer(arguments.pointers.baseAddress)
                        spawn.envp = UnsafePointer(environment.pointers.baseAddress)
                        spawn.agent = agent.number
                        spawn.output = outputEnd.number
                        spawn.info = infoEnd.number
                        spawn.info_reader = info.number
                        spawn.groups = groups.baseAddress
                        spawn.group_count = Int32(groups.count)
                        spawn.user = request.owner.map { Int64($0.user) } ?? -1
                        spawn.group = request.owner.map { Int64($0.group) } ?? -1
                        spawn.process_limit = Int64(request.processLimit)
                        spawn.stage = stage
                        spawn.binds = binds.baseAddress
                        spawn.bind_count = Int32(binds.count)
                        return csr_spawn(&spawn, &process)
                    }
                }
            }
        }
        guard pid > 0 else {
            throw RuntimeError(.exhausted, "cannot fork a sandbox", cause: SystemError.last(in: "clone"))
        }
        return Child(pid: pid, process: FileDescriptor(process), socket: socket, output: output, info: info)
    }
}

/// A null-terminated array of C strings.
private final class CStrings {
    let pointers: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>

    init(_ strings: [String]) {
        self.pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { self.pointers.initializeElement(at: index, to: strdup(string)) }
        self.pointers.initializeElement(at: strings.count, to: nil)
    }

    deinit {
        for pointer in self.pointers { free(pointer) }
        self.pointers.deallocate()
    }
}
