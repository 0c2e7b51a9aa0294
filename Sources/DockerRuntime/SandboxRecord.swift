internal import Foundation
import SandboxRuntime

/// What has to be known of a container to take it over after a restart, beside what the daemon knows.
struct SandboxRecord: Codable, Sendable, Equatable {
    var container: String
    var user: UInt32
    var group: UInt32
    var isUserOurs: Bool
    var cpuCores: Double
    var memoryBytes: Int64
    var diskBytes: Int64
    var maxProcesses: Int
    var maxOpenFiles: Int

    /// - Parameter isUserOurs: Whether the user id is one of those that sandboxes take and give back.
    init(container: String, owner: FileOwner, isUserOurs: Bool, limits: ResourceLimits) {
        self.container = container
        self.user = owner.user
        self.group = owner.group
        self.isUserOurs = isUserOurs
        self.cpuCores = limits.cpuCores
        self.memoryBytes = limits.memoryBytes
        self.diskBytes = limits.diskBytes
        self.maxProcesses = limits.maxProcesses
        self.maxOpenFiles = limits.maxOpenFiles
    }

    var owner: FileOwner { FileOwner(user: self.user, group: self.group) }

    var limits: ResourceLimits {
        ResourceLimits(
            cpuCores: self.cpuCores,
            memoryBytes: self.memoryBytes,
            diskBytes: self.diskBytes,
            maxProcesses: self.maxProcesses,
            maxOpenFiles: self.maxOpenFiles
        )
    }

    /// Blocks briefly.
    func write(to path: String) throws(RuntimeError) {
        do {
            try TextFile.write(Array(try JSONEncoder().encode(self)), to: path)
        } catch let error as RuntimeError {
            throw error
        } catch {
            throw RuntimeError(.fileFailed, "cannot write \(path)", cause: error)
        }
    }

    /// Blocks briefly. `nil` if there is none that makes sense.
    static func read(_ path: String) -> SandboxRecord? {
        guard let bytes = TextFile.readBytes(path, limit: 64 << 10) else { return nil }
        // Without it the container cannot be taken over, and is left to the reaper: no more is lost by not knowing why.
        return try? JSONDecoder().decode(SandboxRecord.self, from: Data(bytes))
    }
}
