import CSystem
import Glibc

/// The files of one sandbox, seen from the host while hostile code may swap any of them at any time.
///
/// Everything is opened beneath a descriptor of the directory and never through a link that leads out of it. Blocking
/// calls run on threads of our own, and are not stopped by cancellation. Thread-safe.
public final class WorkspaceDirectory: Workspace {
    package static let threads = BlockingThreads(name: "workspace-files", limit: 4)

    let path: String
    let owner: FileOwner?
    private let method: BeneathResolver.Method?

    /// - Parameters:
    ///   - path: The directory, whose own path is trusted. It is opened when it is used.
    ///   - owner: Who is to own what is created; `nil` for whoever runs us.
    public convenience init(path: String, owner: FileOwner?) {
        self.init(path: path, owner: owner, method: nil)
    }

    init(path: String, owner: FileOwner?, method: BeneathResolver.Method?) {
        self.path = path
        self.owner = owner
        self.method = method
    }

    /// Begins to write a file, which appears, or replaces the one that is there, by ``WorkspaceUpload/commit()``.
    ///
    /// Missing directories are made at once.
    /// - Throws: ``RuntimeError/Code/invalidPath`` if a link is in the way, ``RuntimeError/Code/notARegularFile`` if
    ///   something else is there, ``RuntimeError/Code/diskFull``, ``RuntimeError/Code/fileFailed``.
    public func create(_ path: WorkspacePath) async throws(RuntimeError) -> WorkspaceUpload {
        try await self.run { (resolver) throws(RuntimeError) in
            let parent = try self.makeDirectories(path.components.dropLast(), resolver)
            try WorkspaceUpload.checkTarget(parent, path.name)
            return try WorkspaceUpload(parent: parent, name: path.name, owner: self.owner)
        }
    }

    public func write(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceWriter {
        try await self.create(path)
    }

    public func read(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceContent {
        try await self.open(path)
    }

    /// Opens a regular file for reading.
    ///
    /// - Throws: ``RuntimeError/Code/fileNotFound``, ``RuntimeError/Code/notARegularFile``,
    ///   ``RuntimeError/Code/invalidPath`` if a link leads out.
    public func open(_ path: WorkspacePath) async throws(RuntimeError) -> WorkspaceFile {
        try await self.run { (resolver) throws(RuntimeError) in
            // A pipe would block, and a terminal become ours.
            let file = try resolver.open(path.components, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            return try WorkspaceFile(descriptor: file)
        }
    }

    /// Removes one file or link; a directory stays.
    public func remove(_ path: WorkspacePath) async throws(RuntimeError) {
        try await self.run { (resolver) throws(RuntimeError) in
            let parent = try resolver.open(path.components.dropLast(), flags: CSR_O_PATH | O_DIRECTORY)
            guard unlinkat(parent.number, path.name, 0) == 0 else {
                throw BeneathResolver.failure("the file", "unlinkat")
            }
        }
    }

    /// What is below the workspace, or below one of its directories, by path; each directory before what is in it.
    ///
    /// - Parameters:
    ///   - path: `nil` for all.
    ///   - limit: Entries at most. Deeper than 64 directories nothing is listed.
    public func list(_ path: WorkspacePath? = nil, limit: Int = 1000) async throws(RuntimeError) -> WorkspaceListing {
        try await self.run { (resolver) throws(RuntimeError) in
            let start = try resolver.open(path?.components ?? [], flags: CSR_O_PATH | O_DIRECTORY)
            let prefix = path.map { "\($0)/" } ?? ""
            var entries: [WorkspaceListing.Entry] = []
            let walk = TreeWalk(maximumDepth: 64, maximumEntries: 100_000)
            let isComplete = try walk.run(start) { (entry) throws(RuntimeError) in
                guard entries.count < limit else { return .stop }
                entries.append(WorkspaceListing.Entry(entry, prefix: prefix))
                return .goOn
            }
            return WorkspaceListing(entries: entries, isTruncated: !isComplete)
        }
    }

    /// What the workspace takes on the disk.
    public func usage() async throws(RuntimeError) -> WorkspaceUsage {
        try await self.run { (resolver) throws(RuntimeError) in
            var usage = WorkspaceUsage()
            usage.isComplete = try TreeWalk().run(resolver.root) { (entry) throws(RuntimeError) in
                usage.entries += 1
                usage.bytes += Int64(entry.status.st_blocks) * 512
                return .goOn
            }
            return usage
        }
    }

    /// Removes a sandbox's whole folder, ``SandboxSpec/directory``, however hostile what is in it. The sandbox must be
    /// stopped. One that is not there is removed already.
    public static func removeFolder(_ directory: String) async throws(RuntimeError) {
        try await Self.threads.run { () throws(RuntimeError) in try TreeRemoval.remove(directory) }
    }

    private func run<T: Sendable>(
        _ body: @escaping @Sendable (BeneathResolver) throws(RuntimeError) -> T
    ) async throws(RuntimeError) -> T {
        try await Self.threads.run { () throws(RuntimeError) in
            try body(BeneathResolver(path: self.path, method: self.method))
        }
    }

    private func makeDirectories(
        _ components: ArraySlice<String>,
        _ resolver: BeneathResolver
    ) throws(RuntimeError) -> FileDescriptor {
        var current = try resolver.open([], flags: CSR_O_PATH | O_DIRECTORY)
        for end in components.indices {
            let prefix = components[...end]
            do throws(RuntimeError) {
                current = try resolver.open(prefix, flags: CSR_O_PATH | O_DIRECTORY)
                continue
            } catch {
                guard error.code == .fileNotFound else { throw error }
            }
            let isMade = mkdirat(current.number, components[end], 0o755) == 0
            if !isMade, errno != EEXIST { throw BeneathResolver.failure("the directory", "mkdirat") }
            let made = try Self.directory(prefix, resolver)
            if isMade, let owner = self.owner {
                // An empty path means the descriptor itself.
                guard fchownat(made.number, "", owner.user, owner.group, CSR_AT_EMPTY_PATH) == 0 else {
                    throw BeneathResolver.failure("the directory", "fchownat")
                }
            }
            current = made
        }
        return current
    }

    /// Opens what was just made, or was there: a file in the place of a directory is a fault of the path.
    private static func directory(
        _ prefix: ArraySlice<String>,
        _ resolver: BeneathResolver
    ) throws(RuntimeError) -> FileDescriptor {
        do throws(RuntimeError) {
            return try resolver.open(prefix, flags: CSR_O_PATH | O_DIRECTORY)
        } catch {
            guard (error.cause as? SystemError)?.number == ENOTDIR else { throw error }
            throw RuntimeError(.invalidPath, error.message, cause: error.cause)
        }
    }
}
