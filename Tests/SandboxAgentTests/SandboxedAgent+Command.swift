import Foundation
import Glibc

extension SandboxedAgent {
    /// A user that owns nothing on this machine: code in the sandbox must not be root outside, or the kernel lets it
    /// into what is closed to it in production.
    private static let outsideUser = "200001"

    /// The agent, where any user can read it.
    private static let binary: Result<String, any Error> = Result {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let directory =
            ProcessInfo.processInfo.environment["SANDBOX_BIN_DIR"] ?? (own as NSString).deletingLastPathComponent
        let copy = try SandboxedAgent.makeDirectory() + "/sandbox-agent"
        try FileManager.default.copyItem(atPath: directory + "/sandbox-agent", toPath: copy)
        chmod(copy, 0o755)
        return copy
    }

    /// The directory of the Swift runtime: in a debug build the agent is linked dynamically.
    private static let runtimeDirectory: String? = {
        // Without it a static agent is expected, and a dynamic one says what it misses.
        // Read by a handle: such a file says that it is empty.
        guard let bytes = FileHandle(forReadingAtPath: "/proc/self/maps")?.readDataToEndOfFile(),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first(where: {
                $0.hasSuffix("/libswiftCore.so")
            }),
            let start = line.firstIndex(of: "/")
        else { return nil }
        return (String(line[start...]) as NSString).deletingLastPathComponent
    }()

    static func makeDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "sandbox-agent-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        for name in ["workspace", "tmp"] { mkdir("\(path)/\(name)", 0o777) }
        for name in ["", "workspace", "tmp"] { chmod("\(path)/\(name)", name.isEmpty ? 0o755 : 0o777) }
        return path
    }

    /// The agent ends with its socket. bubblewrap's `--die-with-parent` would end it with the thread that started it.
    static func command(in directory: String, socket: Int32) throws -> [String] {
        var command: [String] = []
        if getuid() == 0 {
            let user = self.outsideUser
            command += ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        }
        command += ["/usr/bin/bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
        command += ["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--as-pid-1"]
        command += ["--new-session", "--clearenv", "--ro-bind", "/usr", "/usr"]
        for name in ["bin", "lib", "lib64", "sbin"] { command += ["--symlink", "usr/\(name)", "/\(name)"] }
        if let runtime = self.runtimeDirectory { command += ["--ro-bind", runtime, runtime] }
        command += ["--proc", "/proc", "--dev", "/dev", "--bind", "\(directory)/workspace", "/workspace"]
        command += ["--bind", "\(directory)/tmp", "/tmp", "--ro-bind", try self.binary.get(), "/agent"]
        return command + ["--remount-ro", "/", "/agent", "--fd", "\(socket)"]
    }

    static func spawn(_ command: [String]) throws -> pid_t {
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, command[0], nil, nil, &arguments, environ)
        guard result == 0 else { throw Failure(description: "starting \(command[0]): \(result)") }
        return pid
    }
}
