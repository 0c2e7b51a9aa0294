import Glibc
import Messages
import SandboxRuntime

/// The folder of folders: one for each sandbox of the node, named by its container.
///
/// A pooled sandbox has a mark in its folder until a session claims it. A folder that is being removed is renamed first,
/// so that what a crash leaves of it is never taken for a session's.
final class SandboxFolders: Sendable {
    struct Listing: Sendable, Equatable {
        /// Folders that are, or were, a session's.
        var claimed: [String] = []
        /// Folders with the pool's mark.
        var pooled: [String] = []
        /// Removals that were begun.
        var removing: [String] = []
    }

    static let mark = ".pooled"
    static let removalPrefix = ".removing-"

    let path: String
    private let thread: FolderThread
    /// At most two removals go on at the same time: they share their threads with uploads and downloads.
    private let removals = StartGate(limit: 2)

    /// - Throws: `ThreadError` when the system gives no thread.
    init(path: String) throws {
        self.path = path
        self.thread = try FolderThread(name: "folders")
    }

    func directory(of container: String) -> String { "\(self.path)/\(container)" }

    /// Makes the folder of folders. Sandboxes run as users of their own, who may pass through and not list it.
    func prepare() async throws(WorkerNodeError) {
        let path = self.path
        try await self.thread.run { () throws(WorkerNodeError) in
            var made = ""
            for component in path.split(separator: "/") {
                made += "/\(component)"
                guard mkdir(made, 0o711) == 0 || errno == EEXIST else { throw Self.failure("make", made) }
            }
        }
    }

    /// Makes the folder of a sandbox, durably; one that is there stays as it is.
    func create(_ container: String, isPooled: Bool) async throws(WorkerNodeError) {
        let (parent, folder) = (self.path, self.directory(of: container))
        try await self.thread.run { () throws(WorkerNodeError) in
            if isPooled {
                try Self.createPooled(container, in: parent)
            } else {
                guard mkdir(folder, 0o711) == 0 || errno == EEXIST else { throw Self.failure("make", folder) }
            }
            try Self.flush(parent)
        }
    }

    /// Gets its name with the mark in it: a crash between the two leaves what counts as a removal, never as a session's.
    private static func createPooled(_ container: String, in parent: String) throws(WorkerNodeError) {
        let (unmarked, folder) = ("\(parent)/\(Self.removalPrefix)\(container)", "\(parent)/\(container)")
        guard mkdir(unmarked, 0o711) == 0 || errno == EEXIST else { throw Self.failure("make", unmarked) }
        let descriptor = open("\(unmarked)/\(Self.mark)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("mark", unmarked) }
        close(descriptor)
        guard Glibc.rename(unmarked, folder) == 0 else { throw Self.failure("name", folder) }
    }

    /// Makes a pooled folder a session's. After a power cut it is one still.
    func claim(_ container: String) async throws(WorkerNodeError) {
        let folder = self.directory(of: container)
        try await self.thread.run { () throws(WorkerNodeError) in
            guard unlink("\(folder)/\(Self.mark)") == 0 || errno == ENOENT else { throw Self.failure("claim", folder) }
            try Self.flush(folder)
        }
    }

    func exists(_ container: String) async throws(WorkerNodeError) -> Bool {
        let folder = self.directory(of: container)
        return try await self.thread.run { () throws(WorkerNodeError) in
            var information = stat()
            if lstat(folder, &information) == 0 { return information.st_mode & S_IFMT == S_IFDIR }
            guard errno == ENOENT else { throw Self.failure("look at", folder) }
            return false
        }
    }

    func list() async throws(WorkerNodeError) -> Listing {
        let path = self.path
        return try await self.thread.run { () throws(WorkerNodeError) in
            var listing = Listing()
            for name in try Self.names(in: path) {
                if name.hasPrefix(Self.removalPrefix) {
                    listing.removing.append(name)
                } else if name.hasPrefix(".") {
                    // Not ours.
                    continue
                } else if access("\(path)/\(name)/\(Self.mark)", F_OK) == 0 {
                    listing.pooled.append(name)
                } else {
                    listing.claimed.append(name)
                }
            }
            return listing
        }
    }

    /// Removes a folder and everything in it, whatever hostile code made of it. One that is not there is removed.
    ///
    /// Cancellation does not stop it.
    func remove(_ container: String) async throws(WorkerNodeError) {
        let (path, name) = (self.path, container)
        let isLeftover = name.hasPrefix(Self.removalPrefix)
        let doomed = isLeftover ? name : "\(Self.removalPrefix)\(name)"
        // A former removal of the same name may have left something in the way: then it goes first.
        var isInTheWay = false
        if !isLeftover {
            let renamed = try await self.rename(name, to: doomed)
            if renamed == .nothingThere { return }
            isInTheWay = renamed == .inTheWay
        }
        try await self.delete("\(path)/\(doomed)")
        if isInTheWay, try await self.rename(name, to: doomed) == .done { try await self.delete("\(path)/\(doomed)") }
    }

    private enum Renamed: Sendable {
        case done
        case nothingThere
        case inTheWay
    }

    private func rename(_ name: String, to other: String) async throws(WorkerNodeError) -> Renamed {
        let path = self.path
        return try await self.thread.run { () throws(WorkerNodeError) in
            if Glibc.rename("\(path)/\(name)", "\(path)/\(other)") == 0 { return .done }
            switch errno {
            case ENOENT: return .nothingThere
            case ENOTEMPTY, EEXIST: return .inTheWay
            default: throw Self.failure("rename", "\(path)/\(name)")
            }
        }
    }

    private func delete(_ folder: String) async throws(WorkerNodeError) {
        do {
            do {
                try await self.removals.run(.session) { try await WorkspaceDirectory.removeFolder(folder) }
            } catch is CancellationError {
                // The node stops: what was promised to go goes, if need be before its turn.
                try await WorkspaceDirectory.removeFolder(folder)
            }
        } catch {
            throw WorkerNodeError(.folderFailed, "cannot remove \(folder)", cause: error)
        }
    }

    static func names(in path: String) throws(WorkerNodeError) -> [String] {
        guard let directory = opendir(path) else { throw Self.failure("list", path) }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Self.failure("list", path) }
        return names.sorted()
    }

    private static func flush(_ directory: String) throws(WorkerNodeError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure("flush", directory) }
    }

    static func failure(_ verb: String, _ path: String) -> WorkerNodeError {
        let reason = String(cString: strerror(errno))
        return WorkerNodeError(.folderFailed, "cannot \(verb) \(path): \(reason)")
    }
}
