import Foundation
import Glibc
import TestProcesses

/// A file system in memory, of a size, that can be filled and freed. Mounting takes root.
final class SmallDisk: Sendable {
    let folder: String
    private var ballast: String { "\(self.folder)/ballast" }

    init(megabytes: Int) throws {
        self.folder = NSTemporaryDirectory().appending("process-test-disk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        guard mount("tmpfs", self.folder, "tmpfs", 0, "size=\(megabytes)m,mode=755") == 0 else {
            throw Unexpected("cannot mount: \(String(cString: strerror(errno)))")
        }
    }

    /// Takes every byte that is left.
    func fill() throws {
        let descriptor = open(self.ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Unexpected("no ballast: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        for size in [1 << 20, 4096, 1] {
            let bytes = [UInt8](repeating: 1, count: size)
            while write(descriptor, bytes, size) > 0 {}
        }
        guard errno == ENOSPC else { throw Unexpected("not full: \(String(cString: strerror(errno)))") }
    }

    func free() { unlink(self.ballast) }

    func remove() {
        umount2(self.folder, Int32(MNT_DETACH))
        rmdir(self.folder)
    }
}
