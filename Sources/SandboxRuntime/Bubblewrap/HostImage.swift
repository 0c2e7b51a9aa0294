import Glibc

/// What a sandbox sees of this host, and the files made up for it. All calls block briefly.
struct HostImage: Sendable {
    /// `nil` in an image that has its own.
    var etc: String?
    var empty: String
    var root: [BubblewrapArguments.RootEntry]
    var hidden: [String]

    /// The host itself: `/usr`, and what in `/` leads there.
    ///
    /// - Parameters:
    ///   - directory: Where the made-up files are written, each time anew.
    ///   - needed: Interpreters; the part of `/usr` in which one really is stays visible.
    static func host(directory: String, needed: [String]) throws(RuntimeError) -> HostImage {
        try TextFile.makeDirectories("\(directory)/empty", mode: 0o755)
        try Self.writeEtc("\(directory)/etc")
        var root = [BubblewrapArguments.RootEntry.directory(source: "/usr", name: "usr")]
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            if let target = Self.linkTarget("/\(name)") {
                root.append(.link(target: target, name: name))
            } else if Self.isDirectory("/\(name)") {
                root.append(.directory(source: "/\(name)", name: name))
            }
        }
        // Places for what an administrator puts there by hand: nothing that an interpreter of the system needs.
        let real = needed.compactMap(Self.realPath)
        let hidden = ["/usr/local", "/usr/src"].filter { directory in
            Self.isDirectory(directory) && !real.contains { $0.hasPrefix(directory + "/") }
        }
        return HostImage(etc: "\(directory)/etc", empty: "\(directory)/empty", root: root, hidden: hidden)
    }

    /// An unpacked root file system: all of it but what the sandbox has of its own.
    static func rootDirectory(_ path: String, directory: String) throws(RuntimeError) -> HostImage {
        try TextFile.makeDirectories("\(directory)/empty", mode: 0o755)
        var root: [BubblewrapArguments.RootEntry] = []
        for (name, _) in TextFile.entries(in: path).sorted(by: { $0.name < $1.name }) {
            guard !["proc", "dev", "sys", "tmp", "run", "workspace", ".sandbox"].contains(name) else { continue }
            if let target = Self.linkTarget("\(path)/\(name)") {
                root.append(.link(target: target, name: name))
            } else if Self.isDirectory("\(path)/\(name)") {
                root.append(.directory(source: "\(path)/\(name)", name: name))
            }
        }
        guard !root.isEmpty else {
            throw RuntimeError(.startFailed, "the image's root file system \(path) is empty or cannot be read")
        }
        return HostImage(etc: nil, empty: "\(directory)/empty", root: root, hidden: [])
    }

    /// An `/etc` with nothing of the host that is not in its packages: no names, no keys, no settings.
    private static func writeEtc(_ etc: String) throws(RuntimeError) {
        try TextFile.makeDirectories("\(etc)/ssl/certs", mode: 0o755)
        try TextFile.makeDirectories("\(etc)/alternatives", mode: 0o755)
        let files = [
            "passwd": """
            root:x:0:0:root:/root:/usr/sbin/nologin
            sandbox:x:1000:1000:sandbox:/workspace:/bin/sh
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

            """,
            "group": "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n",
            "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
            "hostname": "sandbox\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
            // The place for the host's own, in a sandbox with network.
            "resolv.conf": "",
        ]
        for (name, text) in files { try TextFile.write(Array(text.utf8), to: "\(etc)/\(name)") }
        for name in ["ld.so.cache", "localtime", "protocols", "services", "ssl/certs/ca-certificates.crt"] {
            guard let bytes = TextFile.readBytes("/etc/\(name)", limit: 4 << 20) else { continue }
            try TextFile.write(bytes, to: "\(etc)/\(name)")
        }
        // Debian's /usr/bin/awk and others lead through here.
        for (name, type) in TextFile.entries(in: "/etc/alternatives") where type == UInt8(DT_LNK) {
            guard let target = Self.linkTarget("/etc/alternatives/\(name)"), target.hasPrefix("/usr/bin/") else {
                continue
            }
            guard symlink(target, "\(etc)/alternatives/\(name)") == 0 || errno == EEXIST else {
                let error = SystemError.last(in: "symlink")
                throw RuntimeError(.fileFailed, "cannot write \(etc)/alternatives/\(name)", cause: error)
            }
        }
    }

    private static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[0..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
