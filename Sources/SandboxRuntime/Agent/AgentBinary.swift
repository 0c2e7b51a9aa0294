import Glibc

/// The agent's file on this host.
package struct AgentBinary: Sendable {
    /// Directories that it needs to run, by their own paths. A release is static and needs none; a build for
    /// development takes Swift's libraries from where this process has them.
    package let libraryDirectories: [String]

    package init(path: String) {
        guard Self.isDynamic(path) else {
            self.libraryDirectories = []
            return
        }
        let maps = TextFile.read("/proc/self/maps") ?? ""
        let libraries = maps.split(separator: "\n").compactMap { line -> String? in
            guard let start = line.firstIndex(of: "/"), line.hasSuffix("/libswiftCore.so") else { return nil }
            return String(line[start...].dropLast("/libswiftCore.so".count))
        }
        self.libraryDirectories = Set(libraries).filter { !$0.hasPrefix("/usr/lib/") }.sorted()
    }

    /// Whether an ELF file asks for a dynamic loader: has a program header of type 3.
    private static func isDynamic(_ path: String) -> Bool {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return false }
        let file = FileDescriptor(number)
        var head = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(file.number, &head, head.count)
        func value(_ offset: Int, _ size: Int) -> Int {
            guard offset >= 0, offset + size <= count else { return 0 }
            return (0..<size).reversed().reduce(0) { $0 << 8 | Int(head[offset + $1]) }
        }
        guard count >= 64, head[0..<4] == [0x7f, 0x45, 0x4c, 0x46] else { return false }
        let (start, size, entries) = (value(32, 4), value(54, 2), value(56, 2))
        return (0..<entries).contains { value(start + $0 * size, 4) == 3 }
    }
}
