public import HTTPClient
internal import Messages
public import SandboxRuntime
public import ServiceKit

/// Finds the files of sandboxes on other nodes, at the address that the node gives.
public final class RemoteWorkspaces: WorkspaceAccess {
    private let client: HTTPClient
    private let token: Secret
    private let spoolDirectory: String

    /// - Parameters:
    ///   - token: The cluster's.
    ///   - spoolDirectory: Where an upload waits until it is whole; exists.
    public init(client: HTTPClient, token: Secret, spoolDirectory: String) {
        self.client = client
        self.token = token
        self.spoolDirectory = spoolDirectory
    }

    public func workspace(of container: String, at address: String) async throws(RuntimeError) -> any Workspace {
        guard !address.isEmpty else {
            throw RuntimeError(.sandboxLost, "the node of the container \(container) offers no files")
        }
        return RemoteWorkspace(
            call: DataPlaneCall(client: self.client, token: self.token, address: address, container: container),
            spoolDirectory: self.spoolDirectory
        )
    }
}

/// The files of one sandbox on another node.
struct RemoteWorkspace: Workspace {
    let call: DataPlaneCall
    let spoolDirectory: String

    func write(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceWriter {
        try await SpooledUpload.make(self.call, path, spoolDirectory: self.spoolDirectory)
    }

    func read(_ path: WorkspacePath) async throws(RuntimeError) -> any WorkspaceContent {
        let response = try await self.call.send("GET", DataPlaneProtocol.file, [(name: "path", value: "\(path)")])
        guard let size = response.headers[DataPlaneProtocol.sizeHeader].flatMap({ Int64($0) }),
            let modified = response.headers[DataPlaneProtocol.modifiedHeader].flatMap({ Int64($0) }),
            let tag = response.headers[DataPlaneProtocol.tagHeader]
        else { throw RuntimeError(.fileFailed, "the node does not describe the file") }
        return RemoteContent(
            call: self.call,
            path: path,
            size: size,
            modifiedMilliseconds: modified,
            entityTag: tag
        )
    }

    func list(_ path: WorkspacePath?, limit: Int) async throws(RuntimeError) -> WorkspaceListing {
        var query = [(name: "limit", value: "\(limit)")]
        if let path { query.append((name: "path", value: "\(path)")) }
        let response = try await self.call.send("GET", DataPlaneProtocol.files, query)
        do {
            let listing = try FileListing(decoding: response.body)
            let entries = listing.entries.map { entry in
                WorkspaceListing.Entry(
                    name: entry.name,
                    size: entry.size,
                    modifiedMilliseconds: entry.modifiedMilliseconds,
                    kind: WorkspaceListing.Kind(rawValue: entry.kind) ?? .other
                )
            }
            return WorkspaceListing(entries: entries, isTruncated: listing.isTruncated)
        } catch {
            throw RuntimeError(.fileFailed, "the node's listing cannot be read", cause: error)
        }
    }
}

/// A file on another node.
struct RemoteContent: WorkspaceContent {
    let call: DataPlaneCall
    let path: WorkspacePath
    let size: Int64
    let modifiedMilliseconds: Int64
    let entityTag: String

    func source(_ range: Range<Int>) async throws(RuntimeError) -> WorkspaceSource {
        let stream = try await self.call.stream(
            DataPlaneProtocol.file,
            [
                (name: "path", value: "\(self.path)"), (name: "from", value: "\(range.lowerBound)"),
                (name: "to", value: "\(range.upperBound)"), (name: "tag", value: self.entityTag),
            ]
        )
        return .pieces { () async throws(RuntimeError) in
            do throws(HTTPClientError) { return try await stream.next() } catch { throw DataPlaneCall.lost(error) }
        }
    }
}
