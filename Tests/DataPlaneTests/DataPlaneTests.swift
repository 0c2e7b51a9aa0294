import DataPlane
import Foundation
import HTTPClient
import HTTPServer
import SandboxRuntime
import ServiceKit
import Testing

/// A gateway's view of files that lie on a node, over real HTTP.
@Suite struct DataPlaneTests {
    @Test(.timeLimit(.minutes(10))) func anUploadAppearsOnTheNodeAndComesBackAsItWas() async throws {
        try await Node.run { node in
            let workspace = try await node.remote()
            let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let writer = try await workspace.write(WorkspacePath("deep/ä b+c%.bin"))
            try await writer.append(Array(content[..<100_000]))
            #expect(!FileManager.default.fileExists(atPath: node.folder + "/deep"))
            try await writer.append(Array(content[100_000...]))
            try await writer.commit()
            let path = node.folder + "/deep/ä b+c%.bin"
            #expect(FileManager.default.contents(atPath: path).map { Array($0) } == content)
            let file = try await workspace.read(WorkspacePath("deep/ä b+c%.bin"))
            #expect(file.size == 300_000)
            #expect(try await bytes(of: file, 0..<300_000) == content)
            #expect(try await bytes(of: file, 10..<20) == Array(content[10..<20]))
            #expect(try await bytes(of: file, 5..<5).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anUploadThatIsLetGoLeavesNothing() async throws {
        try await Node.run { node in
            let workspace = try await node.remote()
            try await workspace.write(WorkspacePath("never")).append([1, 2, 3])
            #expect(try await workspace.list(nil, limit: 10).entries.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.spool).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(10))) func listingsSayWhatLocalOnesSay() async throws {
        try await Node.run { node in
            for name in ["a", "b", "c"] { try Data([1]).write(to: URL(filePath: node.folder + "/\(name)")) }
            try FileManager.default.createSymbolicLink(
                atPath: node.folder + "/link",
                withDestinationPath: "/etc/passwd"
            )
            let (remote, local) = (try await node.remote(), WorkspaceDirectory(path: node.folder, owner: nil))
            #expect(try await remote.list(nil, limit: 10) == local.list(nil, limit: 10))
            #expect(try await remote.list(nil, limit: 2) == local.list(nil, limit: 2))
        }
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [("absent", RuntimeError.Code.fileNotFound), ("link", .invalidPath), ("folder", .notARegularFile)]
    )
    func refusalsOfTheNodeComeThrough(path: String, code: RuntimeError.Code) async throws {
        try await Node.run { node in
            try FileManager.default.createDirectory(atPath: node.folder + "/folder", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: node.folder + "/link",
                withDestinationPath: "/etc/passwd"
            )
            let workspace = try await node.remote()
            let error = await #expect(throws: RuntimeError.self) { _ = try await workspace.read(WorkspacePath(path)) }
            #expect(error?.code == code)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aFileThatChangedIsNotTakenForTheOneThatWasLookedAt() async throws {
        try await Node.run { node in
            try Data([1, 2, 3]).write(to: URL(filePath: node.folder + "/file"))
            let file = try await node.remote().read(WorkspacePath("file"))
            try Data([4, 5, 6, 7]).write(to: URL(filePath: node.folder + "/file"))
            let error = await #expect(throws: RuntimeError.self) { _ = try await file.source(0..<3) }
            #expect(error?.code == .fileNotFound)
        }
    }

    @Test(.timeLimit(.minutes(10))) func nobodyGetsInWithoutTheToken() async throws {
        try await Node.run { node in
            try Data([1]).write(to: URL(filePath: node.folder + "/file"))
            let stranger = try await node.remote(token: "another")
            let error = await #expect(throws: RuntimeError.self) { _ = try await stranger.read(WorkspacePath("file")) }
            #expect(error?.code == .sandboxLost)
            await #expect(throws: RuntimeError.self) {
                try await stranger.write(WorkspacePath("mine")).commit()
            }
            #expect(!FileManager.default.fileExists(atPath: node.folder + "/mine"))
        }
    }

    @Test(.timeLimit(.minutes(10))) func aContainerThatTheNodeDoesNotHaveIsLost() async throws {
        try await Node.run { node in
            let workspace = try await node.remote(container: "../other")
            let error = await #expect(throws: RuntimeError.self) { _ = try await workspace.list(nil, limit: 1) }
            #expect(error?.code == .sandboxLost)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aNodeThatIsGoneIsSaidToBe() async throws {
        let workspaces = RemoteWorkspaces(client: try HTTPClient(), token: Secret("t"), spoolDirectory: "/tmp")
        for address in ["", "http://127.0.0.1:1"] {
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await workspaces.workspace(of: "c", at: address).list(nil, limit: 1)
            }
            #expect(error?.code == .sandboxLost)
        }
    }
}

/// The bytes of a part of a remote file.
private func bytes(of file: any WorkspaceContent, _ range: Range<Int>) async throws -> [UInt8] {
    guard case .pieces(let next) = try await file.source(range) else {
        Issue.record("a remote file comes in pieces")
        return []
    }
    var bytes: [UInt8] = []
    while let piece = try await next() { bytes += piece }
    return bytes
}

/// A node that has one sandbox, `c`.
private struct Node {
    let folder: String
    let spool: String
    let port: UInt16

    func remote(container: String = "c", token: String = "secret") async throws -> any Workspace {
        let workspaces = RemoteWorkspaces(client: try HTTPClient(), token: Secret(token), spoolDirectory: self.spool)
        return try await workspaces.workspace(of: container, at: "http://127.0.0.1:\(self.port)")
    }

    static func run(_ body: @escaping @Sendable (Node) async throws -> Void) async throws {
        let base = FileManager.default.temporaryDirectory.path + "/data-plane-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: base) }
        for name in ["workspace", "spool"] {
            try FileManager.default.createDirectory(atPath: "\(base)/\(name)", withIntermediateDirectories: true)
        }
        let service = try DataPlaneService(
            configuration: DataPlaneConfiguration(
                http: HTTPServerConfiguration(port: 0, headerTimeout: .seconds(600), keepAliveTimeout: .seconds(600)),
                token: Secret("secret")
            ),
            workspaces: OneWorkspace(folder: base + "/workspace"),
            logger: Logger(label: "test", level: .error)
        )
        let node = Node(folder: base + "/workspace", spool: base + "/spool", port: try service.start())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body(node)
            group.cancelAll()
            // Ended by cancellation, as it was meant to.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}

private struct OneWorkspace: WorkspaceAccess {
    let folder: String

    func workspace(of container: String, at address: String) async throws(RuntimeError) -> any Workspace {
        guard container == "c" else { throw RuntimeError(.sandboxLost, "no such container") }
        return WorkspaceDirectory(path: self.folder, owner: nil)
    }
}
