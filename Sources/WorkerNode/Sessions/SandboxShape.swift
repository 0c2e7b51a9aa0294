import Messages
import SandboxRuntime

/// What a session's spec means to a runtime.
enum SandboxShape {
    static func warmLanguages(of runtimeType: String) -> Set<CodeLanguage> {
        switch RuntimeType(name: runtimeType) {
        case .nodejs20?: [.javascript]
        case .python311?, nil: [.python]
        // Their code runs through the shell, which starts fast enough.
        case .java17?, .go121?: []
        }
    }

    static func limits(_ resources: Resources) -> ResourceLimits {
        var limits = ResourceLimits()
        if resources.cpuMillis > 0 { limits.cpuCores = Double(resources.cpuMillis) / 1000 }
        if resources.memoryBytes > 0 { limits.memoryBytes = Int64(resources.memoryBytes) }
        if resources.diskBytes > 0 { limits.diskBytes = Int64(resources.diskBytes) }
        if resources.maxProcesses > 0 { limits.maxProcesses = resources.maxProcesses }
        return limits
    }

    static func pool(_ spec: SessionSpec) -> PoolShape {
        PoolShape(image: spec.image, runtimeType: spec.runtime.name)
    }

    static func language(_ language: Language) -> CodeLanguage {
        switch language {
        case .python: .python
        case .javascript: .javascript
        case .shell: .shell
        }
    }

    /// The problem that a client is told when a sandbox cannot be had.
    static func problem(_ error: any Error) -> Problem {
        switch error {
        case let error as RuntimeError:
            let code =
                switch error.code {
                case .unknownImage: "unknown_image"
                case .invalidSpec: "invalid_spec"
                case .unavailable: "runtime_unavailable"
                case .exhausted: "no_capacity"
                case .startTimedOut: "start_timed_out"
                default: "start_failed"
                }
            return Problem(code, error.message)
        case let error as WorkerNodeError where error.code == .workspaceLost:
            return Problem("workspace_lost", error.message)
        case let error as WorkerNodeError where error.code == .folderFailed:
            return Problem("start_failed", "the node could not make the session's folder")
        case is CancellationError:
            return Problem("node_unavailable", "the worker node is shutting down")
        default:
            return Problem("start_failed", "the sandbox did not start")
        }
    }

    static func isRetriable(_ error: any Error) -> Bool {
        (error as? RuntimeError)?.isRetriable ?? (error as? WorkerNodeError)?.isRetriable ?? false
    }
}
