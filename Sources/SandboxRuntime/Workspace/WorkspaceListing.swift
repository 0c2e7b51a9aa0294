import Glibc

/// Some of what is in a workspace.
public struct WorkspaceListing: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case file, directory, link, other
    }

    public struct Entry: Sendable, Equatable {
        /// Path from the workspace. Bytes that are not UTF-8 are replaced.
        public var name: String
        public var size: Int64
        /// Since 1970.
        public var modifiedMilliseconds: Int64
        public var kind: Kind

        public init(name: String, size: Int64, modifiedMilliseconds: Int64, kind: Kind) {
            self.name = name
            self.size = size
            self.modifiedMilliseconds = modifiedMilliseconds
            self.kind = kind
        }
    }

    public var entries: [Entry]
    /// Whether there is more.
    public var isTruncated: Bool

    public init(entries: [Entry], isTruncated: Bool) {
        self.entries = entries
        self.isTruncated = isTruncated
    }
}

/// What a workspace takes on the disk.
public struct WorkspaceUsage: Sendable, Equatable {
    /// Of the disk's blocks: a sparse file counts as what it takes.
    public var bytes: Int64 = 0
    public var entries = 0
    /// Whether all was counted; more than a million entries are not.
    public var isComplete = true
}

extension WorkspaceListing.Entry {
    init(_ entry: TreeWalk.Entry, prefix: String) {
        let kind: WorkspaceListing.Kind =
            switch entry.status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        self.init(
            name: prefix + entry.pathText,
            size: Int64(entry.status.st_size),
            modifiedMilliseconds: entry.status.modifiedMilliseconds,
            kind: kind
        )
    }
}

extension stat {
    var modifiedMilliseconds: Int64 { Int64(self.st_mtim.tv_sec) * 1000 + Int64(self.st_mtim.tv_nsec) / 1_000_000 }
}
