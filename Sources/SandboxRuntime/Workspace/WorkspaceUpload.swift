import CSystem
import Glibc
import ServiceKit

/// A file that is being written, and that nobody sees until ``commit()``.
///
/// One that is let go without it leaves nothing. For one writer at a time.
public final class WorkspaceUpload: WorkspaceWriter {
    private struct State {
        var size: Int64 = 0
        /// Set while the unfinished file has a name, which has to be removed.
        var temporaryName: String?
        var isFinished = false
    }

    private let parent: FileDescriptor
    private let name: String
    private let owner: FileOwner?
    private let file: FileDescriptor
    private let state: Locked<State>

    init(parent: FileDescriptor, name: String, owner: FileOwner?) throws(RuntimeError) {
        self.parent = parent
        self.name = name
        self.owner = owner
        // Without a name: gone by itself if we die. Not every file system can do that.
        var number = openat(parent.number, ".", CSR_O_TMPFILE | O_WRONLY | O_CLOEXEC, 0o600)
        var temporaryName: String?
        if number < 0, [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(errno) {
            let name = Self.makeTemporaryName()
            number = openat(parent.number, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0o600)
            temporaryName = name
        }
        guard number >= 0 else { throw BeneathResolver.failure("the file", "openat") }
        self.file = FileDescriptor(number)
        self.state = Locked(State(temporaryName: temporaryName))
    }

    deinit {
        if let name = self.state.withLock({ $0.temporaryName }) { unlinkat(self.parent.number, name, 0) }
    }

    /// Bytes that were written.
    public var size: Int64 { self.state.withLock { $0.size } }

    /// Writes at the end; returns when the system has taken it.
    ///
    /// - Throws: ``RuntimeError/Code/diskFull``, ``RuntimeError/Code/fileFailed``.
    public func append(_ bytes: [UInt8]) async throws(RuntimeError) {
        try await WorkspaceDirectory.threads.run { [self] () throws(RuntimeError) in
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes { buffer in
                    write(self.file.number, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw BeneathResolver.failure("the file", "write") }
                done += count
            }
            self.state.withLock { $0.size += Int64(bytes.count) }
        }
    }

    /// Gives the file its name, in one step: who opens it sees the old one or all of this one.
    ///
    /// - Throws: ``RuntimeError/Code/notARegularFile``, ``RuntimeError/Code/invalidPath`` if such a thing has come to
    ///   be there, ``RuntimeError/Code/fileNotFound`` if the directory is gone, ``RuntimeError/Code/fileFailed``.
    public func commit() async throws(RuntimeError) {
        try await WorkspaceDirectory.threads.run { [self] () throws(RuntimeError) in
            if self.state.withLock({ $0.isFinished }) { return }
            if let owner = self.owner, fchown(self.file.number, owner.user, owner.group) != 0 {
                throw BeneathResolver.failure("the file", "fchown")
            }
            guard fchmod(self.file.number, 0o644) == 0 else { throw BeneathResolver.failure("the file", "fchmod") }
            let temporary = try self.nameTemporarily()
            try Self.checkTarget(self.parent, self.name)
            guard renameat(self.parent.number, temporary, self.parent.number, self.name) == 0 else {
                throw BeneathResolver.failure("the file", "renameat")
            }
            self.state.withLock { state in
                state.temporaryName = nil
                state.isFinished = true
            }
        }
    }

    /// A new name for the file, since a link cannot replace one that is there.
    private func nameTemporarily() throws(RuntimeError) -> String {
        if let name = self.state.withLock({ $0.temporaryName }) { return name }
        let name = Self.makeTemporaryName()
        let source = "/proc/self/fd/\(self.file.number)"
        guard linkat(AT_FDCWD, source, self.parent.number, name, AT_SYMLINK_FOLLOW) == 0 else {
            throw BeneathResolver.failure("the file", "linkat")
        }
        self.state.withLock { $0.temporaryName = name }
        return name
    }

    /// Refuses what must not be replaced.
    static func checkTarget(_ parent: FileDescriptor, _ name: String) throws(RuntimeError) {
        var status = stat()
        guard fstatat(parent.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return }
            throw BeneathResolver.failure("the file", "fstatat")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFLNK: throw RuntimeError(.invalidPath, "the path names a link")
        default: throw RuntimeError(.notARegularFile, "the path names something that is not a regular file")
        }
    }

    private static func makeTemporaryName() -> String {
        ".upload-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    }
}
