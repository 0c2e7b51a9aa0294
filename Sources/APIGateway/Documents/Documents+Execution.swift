import JSON
import Messages

extension Documents {
    func write(_ execution: Execution, to writer: inout JSONWriter) {
        let spec = execution.spec
        let outcome = execution.outcome
        writer.beginObject()
        writer.field("id", spec.id.rawValue)
        // As in the answer to its creation.
        writer.field("execution_id", spec.id.rawValue)
        writer.field("session_id", spec.session.rawValue)
        writer.field("status", execution.status.name)
        writer.field("code", spec.code)
        writer.field("language", spec.language.name)
        writer.field("timeout", spec.timeoutSeconds)
        writer.field("exit_code", outcome?.exitCode)
        writer.field("error_message", outcome?.errorMessage)
        writer.field("execution_time", outcome.map { Double($0.metrics.wallMicros) / 1e6 })
        writer.field("stdout", bytes: outcome?.stdout ?? [])
        writer.field("stderr", bytes: outcome?.stderr ?? [])
        writer.field("stdout_truncated", outcome?.isStdoutTruncated ?? false)
        writer.field("stderr_truncated", outcome?.isStderrTruncated ?? false)
        writer.field("stdout_bytes", outcome?.stdoutBytes ?? 0)
        writer.field("stderr_bytes", outcome?.stderrBytes ?? 0)
        writer.field("artifacts", outcome?.artifacts ?? [])
        writer.field("retry_count", max(0, execution.attempt - 1))
        writer.field("created_at", spec.createdAt.description)
        writer.field("started_at", execution.startedAt?.description)
        writer.field("completed_at", execution.completedAt?.description)
        writer.field("return_value", raw: outcome?.returnValue)
        self.write(outcome?.metrics, to: &writer)
        writer.endObject()
    }

    private func write(_ metrics: ExecutionMetrics?, to writer: inout JSONWriter) {
        writer.key("metrics")
        guard let metrics else { return writer.null() }
        writer.object { writer in
            writer.field("duration_ms", Double(metrics.wallMicros) / 1000)
            writer.field("cpu_time_ms", Double(metrics.cpuMicros) / 1000)
            writer.field("peak_memory_mb", Double(metrics.peakMemoryKiB) / 1024)
            writer.field("io_read_bytes", metrics.readBytes)
            writer.field("io_write_bytes", metrics.writtenBytes)
        }
    }

    /// The answer to a submission.
    static func accepted(_ spec: ExecutionSpec) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.field("execution_id", spec.id.rawValue)
        writer.field("session_id", spec.session.rawValue)
        writer.field("status", ExecutionStatus.pending.name)
        writer.field("created_at", spec.createdAt.description)
        writer.endObject()
        return writer.bytes
    }

    /// The answer to a list of executions.
    func list(_ items: [Execution], total: Int, limit: Int, offset: Int) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + 1024 * items.count)
        writer.beginObject()
        writer.array("items", items) { writer, execution in self.write(execution, to: &writer) }
        writer.field("total", total)
        writer.field("limit", limit)
        writer.field("offset", offset)
        writer.field("has_more", items.count < total && offset < total - items.count)
        writer.endObject()
        return writer.bytes
    }
}
