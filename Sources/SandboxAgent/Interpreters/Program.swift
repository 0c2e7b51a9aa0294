import AgentProtocol
import CSystem
import Glibc

/// A program to be started for user code or to wait for it.
struct Program {
    var path: String
    /// The first one is the program's name.
    var arguments: [String]
    /// Entries of the form `NAME=value`.
    var environment: [String]
    var directory: String
    var limits = ProcessLimits()
    /// Beside the agent itself: what the program may neither signal nor trace.
    var protectedPIDs: [Int32] = []
    /// Whether the program itself is one of those, for the processes that it will fork.
    var protectsItself = false

    /// Starts it in a session of its own, behind the system call filter, with no descriptor but the given ones.
    ///
    /// - Parameter channel: Becomes descriptor 3.
    func start(input: Int32, output: Int32, errors: Int32, channel: Int32?) throws(AgentError) -> Int32 {
        var arguments = self.arguments.map { strdup($0) } + [nil]
        var environment = self.environment.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var spawn = csa_spawn()
        spawn.input = input
        spawn.output = output
        spawn.error = errors
        spawn.channel = channel ?? -1
        spawn.limits = self.limits.native
        let protected = self.protectedPIDs + [0, 0, 0, 0]
        spawn.protected_pids = (protected[0], protected[1], protected[2], protected[3])
        spawn.protects_itself = self.protectsItself ? 1 : 0
        let pid = self.path.withCString { path in
            self.directory.withCString { directory in
                arguments.withUnsafeMutableBufferPointer { arguments in
                    environment.withUnsafeMutableBufferPointer { environment in
                        spawn.path = path
                        spawn.directory = directory
                        spawn.arguments = UnsafePointer(arguments.baseAddress)
                        spawn.environment = UnsafePointer(environment.baseAddress)
                        return csa_spawn(&spawn)
                    }
                }
            }
        }
        guard pid > 0 else { throw AgentError(errno: -pid, in: "starting \(self.path)") }
        return pid
    }

    /// A descriptor from which the bytes can be read.
    static func open(_ bytes: [UInt8], name: String) throws(AgentError) -> Descriptor {
        let descriptor = bytes.withUnsafeBytes { csa_open_bytes(name, $0.baseAddress, Int64($0.count)) }
        guard descriptor >= 0 else { throw AgentError(errno: -descriptor, in: "keeping \(bytes.count) bytes") }
        return Descriptor(descriptor)
    }
}

extension ProcessLimits {
    var native: csa_limits {
        csa_limits(
            processes: Int64(self.maximumProcesses ?? -1),
            file_size: Int64(self.maximumFileSize ?? -1),
            open_files: Int64(self.maximumOpenFiles ?? -1)
        )
    }
}

extension AgentConfiguration {
    /// The variables of every program in the sandbox, and over them the given ones.
    func environment(with more: [EnvironmentVariable] = []) -> [String] {
        var variables = [
            EnvironmentVariable(name: "PATH", value: self.searchPath),
            EnvironmentVariable(name: "HOME", value: self.workspacePath),
            EnvironmentVariable(name: "TMPDIR", value: self.temporaryPath),
            EnvironmentVariable(name: "LANG", value: "C.UTF-8"),
        ]
        for variable in more {
            if let index = variables.firstIndex(where: { $0.name == variable.name }) {
                variables[index] = variable
            } else {
                variables.append(variable)
            }
        }
        return variables.map { "\($0.name)=\($0.value)" }
    }
}

extension ExecuteRequest {
    /// The variables that an environment can hold.
    var passableEnvironment: [EnvironmentVariable] {
        self.environment.filter { variable in
            !variable.name.isEmpty && !variable.name.utf8.contains(0x3D) && !variable.name.utf8.contains(0)
                && !variable.value.utf8.contains(0)
        }
    }
}
