import Foundation
import SandboxRuntime
import ServiceKit
import TestServers

@testable import DockerRuntime

extension ExecutionOrder {
    static func shell(_ code: String, _ id: String = UUID().uuidString) -> ExecutionOrder {
        ExecutionOrder(id: OrderID(id), language: .shell, code: Array(code.utf8))
    }

    static func python(_ code: String, _ id: String = UUID().uuidString) -> ExecutionOrder {
        ExecutionOrder(id: OrderID(id), language: .python, code: Array(code.utf8))
    }
}

extension ExecutionReport {
    var output: String { String(decoding: self.stdout.bytes, as: UTF8.self) }
    var errors: String { String(decoding: self.stderr.bytes, as: UTF8.self) }
}

extension Sandbox {
    /// Its container's id, which is its handle.
    func output(_ code: String) async throws -> String { try await self.execute(.shell(code)).output }
}

extension DockerFixture {
    /// Another runtime over the same folders, once this one has let go.
    func next() async throws -> DockerRuntime {
        try await DockerRuntime.connect(configuration: self.configuration, logger: .disabled)
    }

    /// What the daemon tells of a container; `nil` if it has none of that id.
    func inspect(_ container: String) async throws -> [String: Any]? {
        do {
            let bytes = try await self.docker.request("GET", "/containers/\(container)/json")
            return try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        } catch let error as RealDocker.Failure where error.description.contains("404") {
            return nil
        }
    }

    func isRunning(_ container: String) async throws -> Bool {
        let state = try await self.inspect(container)?["State"] as? [String: Any]
        return state?["Running"] as? Bool ?? false
    }

    /// Suspends until an order has made the file in the workspace, then removes it.
    func awaitFile(_ name: String, of id: SandboxID) async throws {
        let files = WorkspaceDirectory(path: try self.spec("\(id)").workspacePath, owner: nil)
        while true {
            if (try? await files.remove(WorkspacePath(name))) != nil { return }
            await Task.yield()
        }
    }

    /// Ends the given runtime, and then as ``close()``.
    func close(_ runtime: DockerRuntime) async throws {
        await runtime.shutDown()
        try await WorkspaceDirectory.removeFolder(self.directory)
    }
}
