/// Finds the files of a running sandbox, wherever they are.
public protocol WorkspaceAccess: Sendable {
    /// The workspace of a sandbox.
    ///
    /// - Parameter container: The sandbox's id, as a session's record names it.
    /// - Throws: ``RuntimeError/Code/sandboxLost`` if this is none that can be reached.
    func workspace(of container: String) async throws(RuntimeError) -> WorkspaceDirectory
}
