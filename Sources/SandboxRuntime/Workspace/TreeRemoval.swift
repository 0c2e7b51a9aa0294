import CSystem
import Glibc

/// Removes a directory tree that hostile code has made: any depth, any number of files, any modes, in bounded memory.
///
/// Nothing outside of it is touched, whatever its links say. All calls block.
enum TreeRemoval {
    /// - Throws: ``RuntimeError/Code/fileFailed`` if something cannot be removed; the rest is gone.
    static func remove(_ path: String) throws(RuntimeError) {
        guard unlink(path) != 0 else { return }
        if errno == ENOENT { return }
        var number = Glibc.open(path, CSR_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw Self.failure(path, "open") }
        let root = FileDescriptor(number)
        var current = root
        // Of the directories above `current`, to be sure of the way back.
        var above: [(device: dev_t, inode: ino_t)] = []
        while true {
            Self.openUp(current)
            if let child = try Self.empty(current, path) {
                above.append(try Self.identity(of: current, path))
                current = child
                continue
            }
            guard let expected = above.popLast() else { break }
            number = openat(current.number, "..", CSR_O_PATH | O_DIRECTORY | O_CLOEXEC)
            guard number >= 0 else { throw Self.failure(path, "openat") }
            current = FileDescriptor(number)
            guard try Self.identity(of: current, path) == expected else {
                throw RuntimeError(.fileFailed, "\(path) was changed while it was removed")
            }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw Self.failure(path, "rmdir") }
    }

    /// Removes what is in a directory, up to the first directory that is not empty, which it returns.
    private static func empty(_ directory: FileDescriptor, _ path: String) throws(RuntimeError) -> FileDescriptor? {
        while true {
            // A batch at a time: memory stays bounded, and what is removed does not come again.
            let names = TreeWalk.names(in: directory, limit: 1024)
            if names.isEmpty { return nil }
            var isProgress = false
            for name in names {
                if unlinkat(directory.number, name, 0) == 0 || errno == ENOENT {
                    isProgress = true
                    continue
                }
                guard errno == EISDIR || errno == EPERM else { throw Self.failure(path, "unlinkat") }
                if unlinkat(directory.number, name, AT_REMOVEDIR) == 0 || errno == ENOENT {
                    isProgress = true
                    continue
                }
                guard errno == ENOTEMPTY || errno == EEXIST || errno == EACCES else {
                    throw Self.failure(path, "unlinkat")
                }
                let number = openat(directory.number, name, CSR_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard number >= 0 else { throw Self.failure(path, "openat") }
                return FileDescriptor(number)
            }
            guard isProgress else { throw RuntimeError(.fileFailed, "nothing more of \(path) can be removed") }
        }
    }

    /// An ordinary user must be let into a directory, even into one of his own.
    private static func openUp(_ directory: FileDescriptor) {
        var status = stat()
        guard fstat(directory.number, &status) == 0, status.st_mode & 0o700 != 0o700 else { return }
        // Through the descriptor, so that no link is followed. If it fails, so does what comes next, and tells why.
        chmod("/proc/self/fd/\(directory.number)", 0o700)
    }

    private static func identity(
        of directory: FileDescriptor,
        _ path: String
    ) throws(RuntimeError) -> (device: dev_t, inode: ino_t) {
        var status = stat()
        guard fstat(directory.number, &status) == 0 else { throw Self.failure(path, "fstat") }
        return (status.st_dev, status.st_ino)
    }

    private static func failure(_ path: String, _ call: String) -> RuntimeError {
        RuntimeError(.fileFailed, "cannot remove \(path)", cause: SystemError.last(in: call))
    }
}
