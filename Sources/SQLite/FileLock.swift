import Glibc
import ServiceKit

/// Keeps other processes away from files that only one may use.
///
/// Held until ``release()`` or the end of the object's life; the system lets go of it when the process ends, however it ends.
public final class FileLock: Sendable {
    /// `nil` once released.
    private let descriptor: Locked<Int32?>

    /// Takes the lock, without waiting.
    ///
    /// - Parameter path: Of a file for this purpose alone. Created if there is none, and left behind.
    /// - Throws: ``SQLiteError``, `locked` with the holder's process id if another holds it, `io` else.
    public init(path: String) throws(SQLiteError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLiteError(.io, "cannot open lock file \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let problem = errno
            defer { close(descriptor) }
            guard problem == EWOULDBLOCK else {
                throw SQLiteError(.io, "cannot lock \(path): \(String(cString: strerror(problem)))")
            }
            var text = [UInt8](repeating: 0, count: 20)
            let count = Glibc.read(descriptor, &text, text.count)
            let holder = count > 0 ? String(decoding: text.prefix(count), as: UTF8.self) : "unknown"
            throw SQLiteError(.locked, "\(path) is held by process \(holder); only one may use this folder at a time")
        }
        let text = Array("\(getpid())".utf8)
        // The process id only makes the other's message better; the lock holds without it.
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = Locked(descriptor)
    }

    deinit { self.release() }

    /// Lets others take the lock. May be called again.
    public func release() {
        let descriptor = self.descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        guard let descriptor else { return }
        // A process that is just being started may hold a copy of the descriptor until its program runs: closing ours
        // would leave the lock with it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
