import CSystem
import Glibc

/// Goes through a directory tree that somebody else may be changing, however deep it is, with three descriptors.
///
/// Links are seen and never followed. All calls block.
struct TreeWalk {
    struct Entry {
        /// The directory that holds it.
        let directory: Int32
        /// Null-terminated bytes, not always UTF-8.
        let name: [CChar]
        let status: stat
        /// Names from the root of the walk to the entry.
        let path: [[CChar]]

        var isDirectory: Bool { self.status.st_mode & S_IFMT == S_IFDIR }
        var pathText: String {
            self.path.map { String(decoding: $0.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) }
                .joined(separator: "/")
        }
    }

    enum Step { case goOn, stop }

    /// Directories below this many are seen and not entered.
    var maximumDepth = Int.max
    /// Entries after which the walk ends.
    var maximumEntries = 1_000_000

    private struct Level {
        var device: dev_t
        var inode: ino_t
        /// Names that are to be seen yet, the next one last.
        var pending: [[CChar]]
    }

    /// Visits each entry before those in it, by name within each directory.
    ///
    /// - Returns: Whether everything was seen.
    func run(
        _ root: FileDescriptor,
        _ visit: (Entry) throws(RuntimeError) -> Step
    ) throws(RuntimeError) -> Bool {
        var isComplete = true
        var budget = self.maximumEntries
        var current = root
        var path: [[CChar]] = []
        var levels = [try Self.level(of: current, budget: &budget, isComplete: &isComplete)]
        while let level = levels.last {
            guard let name = level.pending.last else {
                levels.removeLast()
                if levels.isEmpty { break }
                path.removeLast()
                // Moved away meanwhile: what is above it is not where we came from.
                guard let parent = Self.parent(of: current, expected: levels[levels.count - 1]) else { return false }
                current = parent
                continue
            }
            levels[levels.count - 1].pending.removeLast()
            var status = stat()
            // It may be gone by now.
            guard fstatat(current.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let entry = Entry(directory: current.number, name: name, status: status, path: path + [name])
            if case .stop = try visit(entry) { return false }
            guard entry.isDirectory else { continue }
            guard levels.count < self.maximumDepth, let child = Self.enter(name, of: current) else {
                isComplete = false
                continue
            }
            current = child
            path.append(name)
            levels.append(try Self.level(of: child, budget: &budget, isComplete: &isComplete))
        }
        return isComplete
    }

    private static func level(
        of directory: FileDescriptor,
        budget: inout Int,
        isComplete: inout Bool
    ) throws(RuntimeError) -> Level {
        var status = stat()
        guard fstat(directory.number, &status) == 0 else { throw BeneathResolver.failure("a directory", "fstat") }
        var names = Self.names(in: directory, limit: budget + 1)
        if names.count > budget {
            isComplete = false
            names.removeLast(names.count - budget)
        }
        budget -= names.count
        names.sort { $0.lexicographicallyPrecedes($1) }
        return Level(device: status.st_dev, inode: status.st_ino, pending: names.reversed())
    }

    private static func enter(_ name: [CChar], of directory: FileDescriptor) -> FileDescriptor? {
        let number = openat(directory.number, name, CSR_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        return number >= 0 ? FileDescriptor(number) : nil
    }

    private static func parent(of directory: FileDescriptor, expected: Level) -> FileDescriptor? {
        let number = openat(directory.number, "..", CSR_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let parent = FileDescriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_dev == expected.device, status.st_ino == expected.inode else {
            return nil
        }
        return parent
    }

    /// Names but `.` and `..`; none of a directory that cannot be read.
    static func names(in directory: FileDescriptor, limit: Int) -> [[CChar]] {
        let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        guard let stream = fdopendir(number) else {
            close(number)
            return []
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while names.count < limit, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1))
                }
            }
            if name != [46, 0], name != [46, 46, 0] { names.append(name) }
        }
        return names
    }
}
