internal import APIGateway
internal import Foundation
internal import Messages
internal import SandboxRuntime
internal import WorkerNode

/// How the parts of this machine are, for the health calls.
enum PlatformProbes {
    /// Below this the disk counts as full: writes may fail at any moment.
    private static let lowDisk = 64 << 20

    static func worker(_ worker: WorkerNode) -> HealthProbe {
        HealthProbe("worker", isCheap: false) {
            let status = await worker.status()
            return HealthProbe.Answer(
                status.capabilities.problem == nil ? .healthy : .unhealthy,
                detail: Self.detail(status)
            )
        }
    }

    private static func detail(_ status: NodeStatus) -> [String: String] {
        let capabilities = status.capabilities
        var detail = [
            "node": status.node.rawValue,
            "runtime": status.runtime,
            "sessions": "\(status.sessions)",
            "executions": "\(status.executions)",
            "capacity": "\(status.capacity)",
            "warm_sandboxes": "\(status.pools.reduce(0) { $0 + $1.ready })",
            "limit_memory": Self.text(capabilities.memory),
            "limit_cpu": Self.text(capabilities.cpu),
            "limit_processes": Self.text(capabilities.processes),
            "limit_disk": Self.text(capabilities.disk),
            "isolates_network": "\(capabilities.isolatesNetwork)",
            "isolates_users": "\(capabilities.isolatesUsers)",
            "images": capabilities.images.joined(separator: " "),
        ]
        detail["problem"] = capabilities.problem
        for (language, status) in capabilities.languages {
            switch status {
            case .available: detail["language_\(language)"] = "available"
            case .missing(let reason): detail["language_\(language)"] = "missing: \(reason)"
            }
        }
        return detail
    }

    private static func text(_ limit: RuntimeCapabilities.Limit) -> String {
        limit.note.isEmpty ? limit.enforcement.rawValue : "\(limit.enforcement.rawValue) (\(limit.note))"
    }

    static func disk(_ folder: String) -> HealthProbe {
        HealthProbe("disk") {
            let attributes: [FileAttributeKey: Any]
            do {
                attributes = try FileManager.default.attributesOfFileSystem(forPath: folder)
            } catch {
                return HealthProbe.Answer(.unhealthy, detail: ["problem": "the data folder cannot be read"])
            }
            let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
            let detail = ["free_bytes": "\(free)"]
            return HealthProbe.Answer(free < self.lowDisk ? .degraded : .healthy, detail: detail)
        }
    }
}
