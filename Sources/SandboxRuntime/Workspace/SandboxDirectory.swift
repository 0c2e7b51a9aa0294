import CSystem
import Glibc

/// The folder of one sandbox: `workspace` and `tmp`. All calls block.
package struct SandboxDirectory: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    private var parts: [String] { ["\(self.path)/workspace", "\(self.path)/tmp"] }

    /// Makes what is missing.
    package func create() throws(RuntimeError) {
        try TextFile.makeDirectories(self.path, mode: 0o700)
        for part in self.parts { try TextFile.makeDirectories(part, mode: 0o700) }
    }

    /// Who owns the workspace.
    package var user: UInt32? {
        var status = stat()
        return lstat(self.parts[0], &status) == 0 ? status.st_uid : nil
    }

    /// Makes everything belong to `owner`: at once if the directory itself does already.
    package func give(to owner: FileOwner) throws(RuntimeError) {
        for part in self.parts {
            let root = try BeneathResolver(path: part).root
            var status = stat()
            guard fstat(root.number, &status) == 0 else { throw Self.failure(part, "fstat") }
            if status.st_uid == owner.user, status.st_gid == owner.group { continue }
            let isComplete = try TreeWalk().run(root) { (entry) throws(RuntimeError) in
                guard fchownat(entry.directory, entry.name, owner.user, owner.group, AT_SYMLINK_NOFOLLOW) == 0 else {
                    throw Self.failure(part, "fchownat")
                }
                return .goOn
            }
            guard isComplete else { throw RuntimeError(.fileFailed, "\(part) holds too much to be given away") }
            // Last, so that a half-done one is done again. An empty path means the descriptor itself.
            guard fchownat(root.number, "", owner.user, owner.group, CSR_AT_EMPTY_PATH) == 0 else {
                throw Self.failure(part, "fchownat")
            }
        }
    }

    /// Removes all of it.
    package func remove() throws(RuntimeError) { try TreeRemoval.remove(self.path) }

    private static func failure(_ part: String, _ call: String) -> RuntimeError {
        RuntimeError(.fileFailed, "cannot give \(part) away", cause: SystemError.last(in: call))
    }
}
