import HTTPServer
import JSON
import Messages

/// Reads the bodies of template calls.
enum TemplateRequest {
    /// - Throws: ``JSONFault``, or ``APIError`` with every fault.
    static func create(_ request: HTTPRequest, now: Timestamp) throws -> Template {
        var reader = try RequestReader(request)
        let id = reader.take { json throws(JSONFieldFault) in try json.id("id", length: Limits.templateID) }
        let name = reader.take { json throws(JSONFieldFault) in try json.string("name", length: Limits.templateName) }
        let image = reader.take { json throws(JSONFieldFault) in try json.string("image_url", length: Limits.imageURL) }
        let runtime = reader.take { json throws(JSONFieldFault) in
            try json.literal("runtime_type", of: RuntimeType.allCases.map(\.name))
        }
        let change = self.settings(&reader, TemplateChange(id: TemplateID(id ?? "")))
        try reader.finish()
        guard let id, let name, let image, let runtime = runtime.flatMap({ RuntimeType(name: $0) }) else {
            throw APIError.invalid([])
        }
        let template = Template(
            id: TemplateID(id),
            name: name,
            imageURL: image,
            runtime: runtime,
            createdAt: now,
            updatedAt: now
        )
        return change.applied(to: template, at: now)
    }

    /// - Throws: ``JSONFault``, or ``APIError`` with every fault.
    static func update(_ id: TemplateID, _ request: HTTPRequest) throws -> TemplateChange {
        var reader = try RequestReader(request)
        var change = TemplateChange(id: id)
        change.name = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("name", length: Limits.templateName)
        }
        change.imageURL = reader.optional { json throws(JSONFieldFault) in
            try json.optionalString("image_url", length: Limits.imageURL)
        }
        change.runtime = reader.optional { json throws(JSONFieldFault) in
            try json.optionalLiteral("runtime_type", of: RuntimeType.allCases.map(\.name))
        }.flatMap { RuntimeType(name: $0) }
        change = self.settings(&reader, change)
        try reader.finish()
        return change
    }

    /// The fields that have defaults.
    private static func settings(_ reader: inout RequestReader, _ change: TemplateChange) -> TemplateChange {
        var change = change
        change.cpuMillis = reader.optional { json throws(JSONFieldFault) in
            try json.optionalDouble("default_cpu_cores", in: Limits.cpuCores).map { Int(($0 * 1000).rounded()) }
        }
        change.memoryMB = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("default_memory_mb", in: Limits.memoryMB)
        }
        change.diskMB = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("default_disk_mb", in: Limits.diskMB)
        }
        let timeout = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("default_timeout", in: Limits.templateTimeout)
        }
        let alias = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("default_timeout_sec", in: Limits.templateTimeout)
        }
        change.timeoutSeconds = timeout ?? alias
        change.environment = reader.optional { json throws(JSONFieldFault) in
            try json.environment("default_env_vars")
        }
        change.isActive = reader.optional { json throws(JSONFieldFault) in try json.optionalBool("is_active") }
        return change
    }
}
