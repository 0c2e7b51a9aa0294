import Glibc

/// An open regular file of a workspace: what it was when it was opened, even if another takes its name.
public final class WorkspaceFile: WorkspaceContent {
    private let descriptor: FileDescriptor
    /// Bytes, when it was opened.
    public let size: Int64
    /// Since 1970.
    public let modifiedMilliseconds: Int64
    /// Changes when the content does; a token without quotes.
    public let entityTag: String

    init(descriptor: FileDescriptor) throws(RuntimeError) {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw BeneathResolver.failure("the file", "fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw RuntimeError(.notARegularFile, "the path names something that is not a regular file")
        }
        self.descriptor = descriptor
        self.size = Int64(status.st_size)
        self.modifiedMilliseconds = status.modifiedMilliseconds
        let parts = [
            UInt64(status.st_ino), UInt64(status.st_size), UInt64(bitPattern: Int64(status.st_mtim.tv_sec)),
            UInt64(status.st_mtim.tv_nsec),
        ]
        self.entityTag = parts.map { String($0, radix: 16) }.joined(separator: "-")
    }

    /// For a C library that reads by itself. Valid as long as this object.
    public var fileDescriptor: Int32 { self.descriptor.number }

    public func source(_ range: Range<Int>) async throws(RuntimeError) -> WorkspaceSource {
        let copy = fcntl(self.descriptor.number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw RuntimeError(.exhausted, "too many files are open now") }
        return .descriptor(copy)
    }

    /// At most `count` bytes from `offset`; fewer, or none, at the end.
    public func read(at offset: Int64, count: Int) async throws(RuntimeError) -> [UInt8] {
        try await WorkspaceDirectory.threads.run { [descriptor] () throws(RuntimeError) in
            var failed = false
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                while initialized < count {
                    let got = pread(
                        descriptor.number,
                        buffer.baseAddress?.advanced(by: initialized),
                        count - initialized,
                        off_t(offset) + off_t(initialized)
                    )
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { failed = true }
                    if got <= 0 { return }
                    initialized += got
                }
            }
            if failed { throw BeneathResolver.failure("the file", "pread") }
            return bytes
        }
    }
}
