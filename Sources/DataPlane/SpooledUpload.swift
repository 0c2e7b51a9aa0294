internal import Glibc
internal import HTTPClient
internal import SandboxRuntime
internal import ServiceKit

/// An upload that waits in a nameless file until it is whole, and is then sent to its node in one request: a client that
/// is slow, or leaves, holds nothing there.
final class SpooledUpload: WorkspaceWriter {
    private let call: DataPlaneCall
    private let path: WorkspacePath
    private let descriptor: Int32
    private let written = Locked<Int64>(0)

    private init(_ call: DataPlaneCall, _ path: WorkspacePath, descriptor: Int32) {
        self.call = call
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    static func make(
        _ call: DataPlaneCall,
        _ path: WorkspacePath,
        spoolDirectory: String
    ) async throws(RuntimeError) -> SpooledUpload {
        let descriptor = try await WorkspaceDirectory.threads.run { () throws(RuntimeError) in
            var template = Array("\(spoolDirectory)/upload-XXXXXX".utf8CString)
            let descriptor = mkstemp(&template)
            guard descriptor >= 0 else { throw Self.failure() }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            // Gone by itself whatever becomes of us.
            unlink(template)
            return descriptor
        }
        return SpooledUpload(call, path, descriptor: descriptor)
    }

    var size: Int64 { self.written.withLock { $0 } }

    func append(_ bytes: [UInt8]) async throws(RuntimeError) {
        try await WorkspaceDirectory.threads.run { [self] () throws(RuntimeError) in
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes { buffer in
                    Glibc.write(self.descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Self.failure() }
                done += count
            }
            self.written.withLock { $0 += Int64(bytes.count) }
        }
    }

    func commit() async throws(RuntimeError) {
        _ = try await self.call.send(
            "PUT",
            DataPlaneProtocol.file,
            [(name: "path", value: "\(self.path)")],
            body: [.file(descriptor: self.descriptor, offset: 0, count: Int(self.size))]
        )
    }

    private static func failure() -> RuntimeError {
        let number = errno
        return RuntimeError(
            number == ENOSPC ? .diskFull : .fileFailed,
            "the upload cannot be stored: \(String(cString: strerror(number)))"
        )
    }
}
