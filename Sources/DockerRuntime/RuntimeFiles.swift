import Glibc
import SandboxRuntime

/// The files that a runtime keeps for its containers. All calls block briefly.
struct RuntimeFiles: Sendable {
    let directory: String

    var empty: String { "\(self.directory)/common/empty" }
    var unreadable: String { "\(self.directory)/common/unreadable" }
    var hosts: String { "\(self.directory)/common/hosts" }
    var resolver: String { "\(self.directory)/common/resolv.conf" }

    private func folder(of id: SandboxID) -> String { "\(self.directory)/containers/\(id)" }
    func socketDirectory(of id: SandboxID) -> String { "\(self.folder(of: id))/host" }
    func passwd(of id: SandboxID) -> String { "\(self.folder(of: id))/passwd" }
    func group(of id: SandboxID) -> String { "\(self.folder(of: id))/group" }
    func record(of id: SandboxID) -> String { "\(self.folder(of: id))/record.json" }

    /// Writes what all containers share.
    func prepare() throws(RuntimeError) {
        try TextFile.makeDirectories(self.empty, mode: 0o755)
        try TextFile.makeDirectories("\(self.directory)/containers", mode: 0o700)
        try TextFile.write(Array("127.0.0.1 localhost sandbox\n::1 localhost\n".utf8), to: self.hosts)
        try TextFile.write([], to: self.resolver)
        try TextFile.write([], to: self.unreadable)
        guard chmod(self.unreadable, 0) == 0 else {
            let error = SystemError.last(in: "chmod")
            throw RuntimeError(.fileFailed, "cannot close \(self.unreadable)", cause: error)
        }
    }

    /// Writes what one container gets. It is the same user inside and outside, by a name that says nothing.
    func prepare(_ id: SandboxID, user: FileOwner) throws(RuntimeError) {
        try TextFile.makeDirectories(self.folder(of: id), mode: 0o700)
        try TextFile.makeDirectories(self.socketDirectory(of: id), mode: 0o755)
        let users = """
            root:x:0:0:root:/root:/usr/sbin/nologin
            sandbox:x:\(user.user):\(user.group):sandbox:/workspace:/bin/sh
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

            """
        try TextFile.write(Array(users.utf8), to: self.passwd(of: id))
        let groups = "root:x:0:\nsandbox:x:\(user.group):\nnogroup:x:65534:\n"
        try TextFile.write(Array(groups.utf8), to: self.group(of: id))
    }

    /// Removes what one container got.
    func remove(_ id: SandboxID) throws(RuntimeError) {
        try SandboxDirectory(path: self.folder(of: id)).remove()
    }

    /// User ids of ours that the sandboxes with files here have.
    var users: [UInt32] {
        self.sandboxes.compactMap { name in
            let record = SandboxRecord.read("\(self.directory)/containers/\(name)/record.json")
            return record.flatMap { $0.isUserOurs ? $0.user : nil }
        }
    }

    /// Names of the sandboxes that have files here.
    var sandboxes: [String] { TextFile.directories(in: "\(self.directory)/containers") }
}
