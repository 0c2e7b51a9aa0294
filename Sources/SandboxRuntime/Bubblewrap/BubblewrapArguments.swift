/// The command line of bwrap for one sandbox. Pure: it looks at nothing.
struct BubblewrapArguments: Sendable {
    /// What one entry of the sandbox's root is.
    enum RootEntry: Sendable, Equatable {
        /// Visible read-only.
        case directory(source: String, name: String)
        case link(target: String, name: String)
    }

    static let agentPath = "/.sandbox/agent"
    static let agentDescriptor: Int32 = 3
    static let infoDescriptor: Int32 = 4

    var root: [RootEntry]
    /// Replaces the image's `/etc`; `nil` to keep that.
    var etc: String?
    /// Of the host: where each is found, and where it is seen.
    var visible: [(source: String, destination: String)]
    /// Directories of the image that are covered by `empty`.
    var hidden: [String]
    var empty: String
    /// An empty directory on the host; what is in the sandbox is elsewhere.
    var workspace: String
    var temporary: String
    var agent: String
    var hasNetwork: Bool

    /// From `bwrap` on.
    var list: [String] {
        var arguments = [
            "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
            "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--cap-drop", "ALL",
            "--as-pid-1", "--new-session", "--info-fd", "\(Self.infoDescriptor)",
        ]
        if !self.hasNetwork { arguments.append("--unshare-net") }
        for entry in self.root {
            switch entry {
            case .directory(let source, let name): arguments += ["--ro-bind", source, "/\(name)"]
            case .link(let target, let name): arguments += ["--symlink", target, "/\(name)"]
            }
        }
        for directory in self.hidden { arguments += ["--ro-bind", self.empty, directory] }
        for (source, destination) in self.visible { arguments += ["--ro-bind", source, destination] }
        if let etc = self.etc { arguments += ["--ro-bind", etc, "/etc"] }
        if self.hasNetwork { arguments += ["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"] }
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        // Semaphores and shared memory need a place: it is /tmp again, no third one that can be written.
        arguments += ["--bind", self.temporary, "/dev/shm"]
        arguments += ["--remount-ro", "/dev"]
        arguments += ["--ro-bind", self.agent, Self.agentPath]
        arguments += ["--bind", self.temporary, "/tmp", "--bind", self.workspace, "/workspace"]
        arguments += ["--remount-ro", "/", "--chdir", "/workspace"]
        return arguments + ["--", Self.agentPath, "--fd", "\(Self.agentDescriptor)"]
    }

    /// All that bwrap and the agent get; the agent makes that of user code.
    static let environment = [
        "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/workspace", "TMPDIR=/tmp", "LANG=C.UTF-8",
    ]
}
