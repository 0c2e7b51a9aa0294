/// Finds the files of a running sandbox, wherever they are.
public protocol WorkspaceAccess: Sendable {
    /// The workspace of a sandbox.
    ///
    /// - Parameters:
    ///   - container: The sandbox's id, as a session's record names it.
    ///   - address: Where its node offers its files, as the node itself says; empty if it does not say.
    /// - Throws: ``RuntimeError/Code/sandboxLost`` if this is none that can be reached.
    func workspace(of container: String, at address: String) async throws(RuntimeError) -> any Workspace
}

/// The files of one sandbox, on this host or on another.
public protocol Workspace: Sendable {
    /// Begins to write a file, which appears, or replaces the one that is there, when it is committed.
    ///
    /// - Throws: ``RuntimeError/Code/invalidPath`` if a link is in the way, ``RuntimeError/Code/notARegularFile`` if
    ///   something else is there, ``RuntimeError/Code/diskFull``, ``RuntimeError/Code/fileFailed``; some of them only
    ///   when it is committed.
    func write(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceWriter

    /// Looks at a regular file, to read it.
    ///
    /// - Throws: ``RuntimeError/Code/fileNotFound``, ``RuntimeError/Code/notARegularFile``,
    ///   ``RuntimeError/Code/invalidPath`` if a link leads out.
    func read(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceContent

    /// What is below the workspace, or below one of its directories, by path; each directory before what is in it.
    ///
    /// - Parameters:
    ///   - path: `nil` for all.
    ///   - limit: Entries at most.
    func list(_ path: WorkspacePath?, limit: Int) async throws(RuntimeError) -> WorkspaceListing
}

/// A file that is being written, and that nobody sees until ``commit()``; let go without it, it leaves nothing. For one
/// writer at a time.
public protocol WorkspaceWriter: Sendable {
    /// Bytes that were written.
    var size: Int64 { get }
    /// Writes at the end.
    func append(_ bytes: [UInt8]) async throws(RuntimeError)
    /// Gives the file its name, in one step.
    func commit() async throws(RuntimeError)
}

/// A regular file as it was when it was looked at.
public protocol WorkspaceContent: Sendable {
    /// Bytes.
    var size: Int64 { get }
    /// Since 1970.
    var modifiedMilliseconds: Int64 { get }
    /// Changes when the content does; a token without quotes.
    var entityTag: String { get }
    /// Opens a part of it.
    ///
    /// - Throws: ``RuntimeError/Code/fileNotFound`` if it is another file by now.
    func source(_ range: Range<Int>) async throws(RuntimeError) -> WorkspaceSource
}

/// Where bytes come from.
public enum WorkspaceSource: Sendable {
    /// A descriptor that belongs to whoever gets it; the range is to be read from it.
    case descriptor(Int32)
    /// Gives the range's bytes piece by piece, `nil` at the end.
    case pieces(@Sendable () async throws(RuntimeError) -> [UInt8]?)
}
