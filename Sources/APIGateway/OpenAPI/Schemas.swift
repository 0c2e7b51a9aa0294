import Messages

/// The shapes that requests and answers have, by name.
enum Schemas {
    static let all: [(name: String, schema: Schema)] =
        requests + [
            ("Template", template), ("Session", session), ("SessionList", list(of: "Session")),
            ("ExecutionAccepted", accepted), ("Execution", execution), ("ExecutionList", list(of: "Execution")),
            ("ExecutionMetrics", metrics), ("Dependency", dependency), ("InstalledDependency", installedDependency),
            ("UploadedFile", uploadedFile), ("FileList", fileList), ("Health", health),
            ("DetailedHealth", detailedHealth), ("Findings", findings), ("Message", message),
            ("NodeList", nodeList), ("Error", error), ("ValidationError", validationError),
        ]

    private static let nodeList = Schema.object([
        .init(
            "items",
            .array(
                .object([
                    .init("id", .string(), required: true),
                    .init("status", .string(choices: NodeAvailability.allCases.map(\.name)), required: true),
                    .init("runtime", .string(), required: true),
                    .init("sessions", .integer(from: 0), required: true),
                    .init("capacity", .integer(from: 0), required: true),
                    .init("warm_sandboxes", .integer(from: 0), "Ready for a session", required: true),
                    .init("images", .string(), "Those that it has, separated by spaces", required: true),
                    .init("updated_at", .time, required: true),
                ]),
                count: nil
            ),
            required: true
        ),
        .init("total", .integer(from: 0), required: true),
    ])

    private static let template = Schema.object([
        .init("id", .string(Limits.templateID), required: true),
        .init("name", .string(Limits.templateName), required: true),
        .init("image_url", .string(Limits.imageURL), required: true),
        .init("runtime_type", .string(choices: RuntimeType.allCases.map(\.name)), required: true),
        .init("default_cpu_cores", .number(Limits.cpuCores, default: nil), required: true),
        .init("default_memory_mb", .integer(in: Limits.memoryMB), required: true),
        .init("default_disk_mb", .integer(in: Limits.diskMB), required: true),
        .init("default_timeout", .integer(in: Limits.templateTimeout), "The same as default_timeout_sec"),
        .init("default_timeout_sec", .integer(in: Limits.templateTimeout), required: true),
        .init("default_env_vars", .environment, required: true),
        .init("is_active", .flag(default: nil), required: true),
        .init("created_at", .time, required: true),
        .init("updated_at", .time, required: true),
    ])

    private static let resourceLimit = Schema.object([
        .init("cpu", .string(), "Cores", required: true),
        .init("memory", .string(), required: true),
        .init("disk", .string(), required: true),
        .init("max_processes", .integer(from: 1), required: true),
    ])

    private static let problem = Schema.object([
        .init("code", .string(), required: true), .init("message", .string(), required: true),
    ])

    private static let session = Schema.object([
        .init("id", .string(Limits.sessionID), required: true),
        .init("template_id", .string(Limits.templateID), required: true),
        .init("status", .string(choices: SessionStatus.allCases.map(\.name)), required: true),
        .init("resource_limit", resourceLimit, required: true),
        .init("workspace_path", .string(), required: true),
        .init("language_runtime", .string(), required: true),
        .init("runtime_type", .string(choices: RuntimeType.allCases.map(\.name)), required: true),
        .init("runtime_node", .nullable(.string()), "The node that has the sandbox", required: true),
        .init("container_id", .nullable(.string()), "Unchanged while the session runs", required: true),
        .init("pod_name", .nullable(.string()), required: true),
        .init("env_vars", .environment, required: true),
        .init("timeout", .integer(in: Limits.sessionTimeout), "Seconds", required: true),
        .init("python_package_index_url", .string(), required: true),
        .init("requested_dependencies", .array(.reference("Dependency"), count: nil), required: true),
        .init("installed_dependencies", .array(.reference("InstalledDependency"), count: nil), required: true),
        .init(
            "dependency_install_status",
            .string(choices: DependencyStatus.allCases.map(\.name)),
            required: true
        ),
        .init("dependency_install_error", .nullable(.string()), required: true),
        .init("dependency_install_started_at", .nullable(.time), required: true),
        .init("dependency_install_completed_at", .nullable(.time), required: true),
        .init("created_at", .time, required: true),
        .init("updated_at", .time, required: true),
        .init("completed_at", .nullable(.time), required: true),
        .init("last_activity_at", .time, required: true),
        .init("error", .nullable(problem), "Why the session failed", required: true),
    ])

    private static let dependency = Schema.object([
        .init("name", .string(), required: true),
        .init("version", .nullable(.string()), "With its operator, as in ==1.0.2", required: true),
    ])

    private static let installedDependency = Schema.object([
        .init("name", .string(), required: true), .init("version", .string(), required: true),
        .init("install_location", .string(), required: true), .init("install_time", .time, required: true),
        .init("is_from_template", .flag(default: nil), required: true),
    ])

    private static let accepted = Schema.object([
        .init("execution_id", .string(), required: true), .init("session_id", .string(), required: true),
        .init("status", .string(choices: ["pending"]), required: true), .init("created_at", .time, required: true),
    ])

    private static let execution = Schema.object([
        .init("id", .string(), required: true),
        .init("execution_id", .string(), "The same as id", required: true),
        .init("session_id", .string(), required: true),
        .init("status", .string(choices: ExecutionStatus.allCases.map(\.name)), required: true),
        .init("code", .string(), required: true),
        .init("language", .string(choices: Language.allCases.map(\.name)), required: true),
        .init("timeout", .integer(in: Limits.executionTimeout), "Seconds", required: true),
        .init("exit_code", .nullable(.integer()), required: true),
        .init("error_message", .nullable(.string()), required: true),
        .init("execution_time", .nullable(.number(nil, default: nil)), "Seconds", required: true),
        .init("stdout", .string(), required: true),
        .init("stderr", .string(), required: true),
        .init("stdout_truncated", .flag(default: nil), required: true),
        .init("stderr_truncated", .flag(default: nil), required: true),
        .init("stdout_bytes", .integer(from: 0), "Written, kept or not", required: true),
        .init("stderr_bytes", .integer(from: 0), "Written, kept or not", required: true),
        .init("artifacts", .array(.string(), count: nil), required: true),
        .init("retry_count", .integer(from: 0), required: true),
        .init("created_at", .time, required: true),
        .init("started_at", .nullable(.time), required: true),
        .init("completed_at", .nullable(.time), required: true),
        .init("return_value", .any, "Exactly what the handler returned"),
        .init("metrics", .nullable(.reference("ExecutionMetrics")), required: true),
    ])

    private static let metrics = Schema.object([
        .init("duration_ms", .number(nil, default: nil), required: true),
        .init("cpu_time_ms", .number(nil, default: nil), required: true),
        .init("peak_memory_mb", .number(nil, default: nil), required: true),
        .init("io_read_bytes", .integer(from: 0), required: true),
        .init("io_write_bytes", .integer(from: 0), required: true),
    ])

    private static func list(of item: String) -> Schema {
        .object([
            .init("items", .array(.reference(item), count: nil), required: true),
            .init("total", .integer(from: 0), required: true),
            .init("limit", .integer(in: Limits.page), required: true),
            .init("offset", .integer(from: 0), required: true),
            .init("has_more", .flag(default: nil), required: true),
        ])
    }

    private static let uploadedFile = Schema.object([
        .init("session_id", .string(), required: true), .init("file_path", .string(), required: true),
        .init("size", .integer(from: 0), "Bytes", required: true),
    ])

    private static let fileList = Schema.object([
        .init("session_id", .string(), required: true),
        .init(
            "files",
            .array(
                .object([
                    .init("name", .string(), "Relative to the workspace", required: true),
                    .init("size", .integer(from: 0), "Bytes", required: true),
                    .init("modified_time", .time, required: true),
                    .init("type", .string(choices: FileDocuments.kinds), required: true),
                ]),
                count: nil
            ),
            required: true
        ),
        .init("count", .integer(from: 0), required: true),
    ])

    private static let status = Schema.string(choices: HealthStatus.allCases.map(\.rawValue))

    private static let health = Schema.object([
        .init("status", status, required: true), .init("version", .string(), required: true),
        .init("uptime", .number(nil, default: nil), "Seconds", required: true),
    ])

    private static let detailedHealth = Schema.object([
        .init("status", status, required: true), .init("version", .string(), required: true),
        .init("uptime", .number(nil, default: nil), "Seconds", required: true),
        .init(
            "dependencies",
            .map(.object([.init("status", status, required: true), .init("detail", .map(.string()))])),
            required: true
        ),
    ])

    private static let findings = Schema.object([
        .init("message", .string(), required: true),
        .init("findings", .map(.integer()), "What was found, by name", required: true),
    ])

    private static let message = Schema.object([.init("message", .string(), required: true)])

    private static let error = Schema.object([
        .init("error", .string(), "The status's phrase", required: true),
        .init("message", .string(), required: true), .init("detail", .string(), required: true),
        .init("code", .string(), "For programs", required: true),
        .init("execution_id", .string(), "With 408: the execution that goes on"),
    ])

    private static let validationError = Schema.object([
        .init(
            "detail",
            .array(
                .object([
                    .init("loc", .array(.any, count: nil), required: true),
                    .init("msg", .string(), required: true), .init("type", .string(), required: true),
                ]),
                count: nil
            ),
            required: true
        ),
        .init("error", .string(), required: true), .init("message", .string(), required: true),
        .init("code", .string(choices: ["validation_error"]), required: true),
    ])
}
