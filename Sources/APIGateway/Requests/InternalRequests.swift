import HTTPServer
import JSON
import Messages

/// Reads what executors outside of our worker nodes report.
enum InternalRequests {
    static let containerID = 1...128
    static let outputLimit = 1_048_576
    static let seconds = 0.0...1e9

    /// What an executor may call an end; some have an older name.
    private static let outcomes: [String: ExecutionStatus] = [
        "completed": .completed, "success": .completed, "failed": .failed, "timeout": .timeout, "crashed": .crashed,
        "error": .failed, "cancelled": .cancelled,
    ]
    static let statuses = outcomes.keys.sorted()

    /// What became of a container.
    struct ContainerReport {
        var session: SessionID
        var container: ContainerID?
        var node: NodeID?
        var exitCode: Int?
        var reason: String?
    }

    /// - Parameter session: From the path; `nil` if the body names it.
    static func container(_ request: HTTPRequest, session: SessionID?) throws -> ContainerReport {
        var reader = try Self.reader(request)
        let named =
            session
            ?? reader.take { json throws(JSONFieldFault) in
                SessionID(try json.string("session_id", length: Limits.sessionID))
            }
        let container = reader.optional { json throws(JSONFieldFault) in
            try json.optionalID("container_id", length: Self.containerID)
        }
        let node = reader.optional { json throws(JSONFieldFault) in
            try json.optionalID("node_id", length: Self.containerID)
        }
        let exitCode = reader.optional { json throws(JSONFieldFault) in try json.optionalInt("exit_code") }
        let reason = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("exit_reason", length: 0...1000)
        }
        try reader.finish()
        guard let named else { throw APIError.invalid([]) }
        return ContainerReport(
            session: named,
            container: container.map { ContainerID($0) },
            node: node.map { NodeID($0) },
            exitCode: exitCode,
            reason: reason
        )
    }

    /// An empty body says as much as an empty object.
    static func checkHeartbeat(_ request: HTTPRequest) throws { _ = try Self.reader(request) }

    /// How an execution ended, for the attempt that is current.
    static func result(_ request: HTTPRequest, of execution: Execution, now: Timestamp) throws -> ExecutionEnded {
        var reader = try RequestReader(request)
        let name = reader.take { json throws(JSONFieldFault) in try json.literal("status", of: Self.statuses) }
        let exitCode = reader.optional { json throws(JSONFieldFault) in try json.optionalInt("exit_code") }
        let stdout = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("stdout", length: 0...Self.outputLimit)
        }
        let stderr = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("stderr", length: 0...Self.outputLimit)
        }
        let message = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("error_message", length: 0...65_536)
        }
        let seconds = reader.optional { json throws(JSONFieldFault) in
            try json.optionalDouble("execution_time", in: Self.seconds)
        }
        let artifacts = reader.optional { json throws(JSONFieldFault) in try json.optionalStrings("artifacts") }
        let metrics = Self.metrics(&reader, seconds: seconds)
        try reader.finish()
        guard let status = name.flatMap({ Self.outcomes[$0] }) else { throw APIError.invalid([]) }
        let outcome = ExecutionOutcome(
            status: status,
            exitCode: exitCode ?? (status == .completed ? 0 : nil),
            errorMessage: message,
            stdout: Array((stdout ?? "").utf8),
            stderr: Array((stderr ?? "").utf8),
            returnValue: reader.object.rawBytes("return_value").map { Array($0) },
            artifacts: artifacts ?? [],
            metrics: metrics
        )
        let started = execution.startedAt ?? now + .microseconds(-metrics.wallMicros)
        return ExecutionEnded(
            reference: ExecutionReference(execution: execution.spec.id, session: execution.spec.session),
            outcome: outcome,
            startedAt: started,
            endedAt: now
        )
    }

    private static func metrics(_ reader: inout RequestReader, seconds: Double?) -> ExecutionMetrics {
        var metrics = ExecutionMetrics(wallMicros: Int((seconds ?? 0) * 1e6))
        let object = reader.optional { json throws(JSONFieldFault) in try json.optionalObject("metrics") }
        guard let object else { return metrics }
        func number(_ key: String) -> Double? {
            reader.optional { _ throws(JSONFieldFault) in try object.optionalDouble(key, in: 0...1e15) }
        }
        if seconds == nil, let duration = number("duration_ms") { metrics.wallMicros = Int(duration * 1000) }
        metrics.cpuMicros = Int((number("cpu_time_ms") ?? 0) * 1000)
        metrics.peakMemoryKiB = Int((number("peak_memory_mb") ?? 0) * 1024)
        metrics.readBytes = Int(number("io_read_bytes") ?? 0)
        metrics.writtenBytes = Int(number("io_write_bytes") ?? 0)
        return metrics
    }

    private static func reader(_ request: HTTPRequest) throws -> RequestReader {
        if request.bytes.isEmpty { return RequestReader(try JSONObjectReader(Array("{}".utf8))) }
        return try RequestReader(request)
    }
}
