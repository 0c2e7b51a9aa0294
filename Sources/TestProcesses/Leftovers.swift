import Foundation

/// What a server may leave on this machine.
public enum Leftovers {
    public struct Found: Sendable, CustomStringConvertible {
        public var pid: Int32
        public var command: String
        public var description: String { "\(self.pid): \(self.command)" }
    }

    /// Processes that were started with a path beneath `folder`, or see one of its directories: those in a sandbox have
    /// their workspace mounted from there. The folder's name is looked for, which must be like no other.
    public static func processes(of folder: String) -> [Found] {
        let name = URL(fileURLWithPath: folder).lastPathComponent
        let own = ProcessInfo.processInfo.processIdentifier
        // A process may end at any moment: what cannot be read is no longer there.
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { $0 != own }.compactMap { pid in
            let command = self.text("/proc/\(pid)/cmdline").replacingOccurrences(of: "\0", with: " ")
            guard command.contains(name) || self.text("/proc/\(pid)/mountinfo").contains(name) else { return nil }
            return Found(pid: pid, command: command)
        }
    }

    /// Control groups that the server said are its own, and that exist.
    public static func controlGroups(of folder: String) -> [String] {
        self.text("\(folder)/runtime/groups").split(separator: "\n").map(String.init)
            .filter { FileManager.default.fileExists(atPath: $0) }
            .flatMap { parent in [parent] + self.directories(in: parent).map { "\(parent)/\($0)" } }
    }

    public static func directories(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isDirectory)
                && isDirectory.boolValue
        }.sorted()
    }

    /// The other directories in `folder`, each with the names that are in it: to say what was left.
    public static func contents(of folder: String, but known: Set<String>) -> [String: [String]] {
        let others = self.directories(in: folder).filter { !known.contains($0) }
        return Dictionary(
            uniqueKeysWithValues: others.map { name in
                // It may go at any moment.
                (name, (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)"))?.sorted() ?? [])
            }
        )
    }

    private static func text(_ path: String) -> String {
        // Files of the kernel tell no size ahead.
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.readToEnd() else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}
