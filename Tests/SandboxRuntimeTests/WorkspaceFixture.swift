import Foundation
import SandboxRuntime

@testable import SandboxRuntime

/// A workspace with an outside that must stay as it is.
struct WorkspaceFixture {
    let top: String
    let files: WorkspaceDirectory

    var root: String { "\(self.top)/workspace" }
    var outside: String { "\(self.top)/outside" }

    init(_ method: BeneathResolver.Method = .kernel, owner: FileOwner? = nil) throws {
        self.top = "\(BubblewrapFixture.temporary)/workspace-test-\(UUID().uuidString)"
        self.files = WorkspaceDirectory(path: "\(self.top)/workspace", owner: owner, method: method)
        try FileManager.default.createDirectory(atPath: self.root, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: self.outside, withIntermediateDirectories: true)
        try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(self.outside)/secret"))
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(self.root)/\(name)", withDestinationPath: target)
    }

    func write(_ path: String, _ text: String) async throws {
        let upload = try await self.files.create(WorkspacePath(path))
        try await upload.append(Array(text.utf8))
        try await upload.commit()
    }

    func read(_ path: String) async throws -> String {
        let file = try await self.files.open(WorkspacePath(path))
        return String(decoding: try await file.read(at: 0, count: Int(file.size) + 10), as: UTF8.self)
    }

    /// Names below the outside, and the text of its file.
    var outsideState: [String] {
        let names = FileManager.default.subpaths(atPath: self.outside) ?? ["nothing"]
        let text = FileManager.default.contents(atPath: "\(self.outside)/secret") ?? Data()
        return names + [String(decoding: text, as: UTF8.self)]
    }

    static let untouched = ["secret", "secret"]

    func close() async throws { try await WorkspaceDirectory.removeFolder(self.top) }
}
