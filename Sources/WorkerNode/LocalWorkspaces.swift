import Messages
public import SandboxRuntime
import ServiceKit

/// Finds the files of the sessions of the worker node in this process.
public struct LocalWorkspaces: WorkspaceAccess {
    private let table: Locked<SessionTable>
    private let folders: SandboxFolders

    init(table: Locked<SessionTable>, folders: SandboxFolders) {
        self.table = table
        self.folders = folders
    }

    /// - Throws: `RuntimeError/Code/sandboxLost` for a container that no live session of this node has, or whose sandbox
    ///   has yet to start.
    public func workspace(of container: String, at address: String = "") async throws(RuntimeError) -> any Workspace {
        // Only names that we gave are looked up: no path can be made of one.
        guard let slot = self.table.withLock({ $0.owner(of: ContainerID(container)) }), let owner = slot.fileOwner
        else {
            throw RuntimeError(.sandboxLost, "no session of this node runs in the container \(container)")
        }
        return WorkspaceDirectory(path: "\(self.folders.directory(of: container))/workspace", owner: owner)
    }
}

extension WorkerNode {
    /// The files of this node's sessions, for whoever serves them.
    public var workspaces: LocalWorkspaces { LocalWorkspaces(table: self.table, folders: self.folders) }
}
