import Glibc

/// Small files and directories of the kernel and of our own. All calls block briefly.
package enum TextFile {
    /// The whole of a file of at most 1 MiB; `nil` if it cannot be read.
    package static func read(_ path: String) -> String? {
        guard let bytes = Self.readBytes(path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `nil` if the file cannot be read, or is longer.
    package static func readBytes(_ path: String, limit: Int) -> [UInt8]? {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = FileDescriptor(number)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(file.number, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[0..<count]
            if bytes.count > limit { return nil }
        }
    }

    /// Replaces a file as a whole, so that nobody sees half of it.
    package static func write(_ bytes: [UInt8], to path: String) throws(RuntimeError) {
        let temporary = "\(path).new"
        let number = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw Self.failure(temporary, "open") }
        let file = FileDescriptor(number)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file.number, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            guard count > 0 else { throw Self.failure(temporary, "write") }
            done += count
        }
        guard rename(temporary, path) == 0 else { throw Self.failure(path, "rename") }
    }

    /// Makes a directory and those above it that are missing.
    package static func makeDirectories(_ path: String, mode: UInt32) throws(RuntimeError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return try Self.setMode(path, mode) }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw Self.failure(path, "mkdir")
        }
        try Self.makeDirectories(String(path[..<slash]), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw Self.failure(path, "mkdir") }
        try Self.setMode(path, mode)
    }

    /// Whatever the umask is: sandboxed programs must be able to read what is made for them. What is not ours stays.
    private static func setMode(_ path: String, _ mode: UInt32) throws(RuntimeError) {
        guard chmod(path, mode) == 0 || errno == EPERM else { throw Self.failure(path, "chmod") }
    }

    /// Names of the directories in a directory; empty if it cannot be read.
    package static func directories(in path: String) -> [String] {
        Self.entries(in: path).filter { $0.type == UInt8(DT_DIR) }.map(\.name)
    }

    /// Names and `d_type`s; empty if it cannot be read.
    package static func entries(in path: String) -> [(name: String, type: UInt8)] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var entries: [(name: String, type: UInt8)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { entries.append((name, entry.pointee.d_type)) }
        }
        return entries
    }

    private static func failure(_ path: String, _ call: String) -> RuntimeError {
        let error = SystemError.last(in: call)
        return RuntimeError(error.number == ENOSPC ? .diskFull : .fileFailed, "cannot write \(path)", cause: error)
    }
}
