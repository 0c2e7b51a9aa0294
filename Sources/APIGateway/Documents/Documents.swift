import JSON
import Messages

/// Makes the JSON that is answered for a record.
struct Documents: Sendable {
    /// Bytes up to which a rendering is kept in memory.
    static let largestKept = 65_536

    /// Where packages come from unless a session says otherwise.
    var packageIndexURL: String

    func render(_ record: StateRecord) -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        switch record {
        case .template(let template): self.write(template, to: &writer)
        case .session(let session): self.write(session, to: &writer)
        case .execution(let execution): self.write(execution, to: &writer)
        case .decision, .node, .claim, .checkpoint: writer.null()
        }
        return writer.bytes
    }

    func write(_ template: Template, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("id", template.id.rawValue)
        writer.field("name", template.name)
        writer.field("image_url", template.imageURL)
        writer.field("runtime_type", template.runtime.name)
        writer.field("default_cpu_cores", Double(template.cpuMillis) / 1000)
        writer.field("default_memory_mb", template.memoryMB)
        writer.field("default_disk_mb", template.diskMB)
        writer.field("default_timeout", template.timeoutSeconds)
        writer.field("default_timeout_sec", template.timeoutSeconds)
        writer.field("default_env_vars", template.environment)
        writer.field("is_active", template.isActive)
        writer.field("created_at", template.createdAt.description)
        writer.field("updated_at", template.updatedAt.description)
        writer.endObject()
    }
}
