import Messages

extension Schemas {
    static let requests: [(name: String, schema: Schema)] = [
        ("CreateTemplate", createTemplate), ("UpdateTemplate", .object(templateFields(isCreation: false))),
        ("CreateSession", createSession), ("RequestedDependency", requestedDependency),
        ("InstallDependencies", installDependencies), ("Execute", execute), ("Report", .map(.any)),
        ("ExecutionResult", executionResult), ("ContainerReport", containerReport),
    ]

    private static let createTemplate = Schema.object(
        [.init("id", .string(Limits.templateID, pattern: Identifiers.pattern), "Yours to choose", required: true)]
            + templateFields(isCreation: true)
    )

    private static func templateFields(isCreation: Bool) -> [Schema.Field] {
        let timeout = Schema.integer(in: Limits.templateTimeout, default: isCreation ? 300 : nil)
        return [
            .init("name", .string(Limits.templateName), "Not taken by another template", required: isCreation),
            .init(
                "image_url",
                .string(Limits.imageURL),
                "Only stored; looked up when a session starts",
                required: isCreation
            ),
            .init("runtime_type", .string(choices: RuntimeType.allCases.map(\.name)), required: isCreation),
            .init("default_cpu_cores", .number(Limits.cpuCores, default: isCreation ? 0.5 : nil)),
            .init("default_memory_mb", .integer(in: Limits.memoryMB, default: isCreation ? 512 : nil)),
            .init("default_disk_mb", .integer(in: Limits.diskMB, default: isCreation ? 1024 : nil)),
            .init("default_timeout", timeout, "Seconds"),
            .init("default_timeout_sec", timeout, "The same as default_timeout"),
            .init("default_env_vars", .environment),
            .init("is_active", .flag(default: isCreation ? true : nil)),
        ]
    }

    private static let createSession = Schema.object([
        .init(
            "id",
            .string(Limits.sessionID, pattern: Identifiers.pattern),
            "Yours to choose; one is made if it is absent"
        ),
        .init("template_id", .string(Limits.templateID), required: true),
        .init("timeout", .integer(in: Limits.sessionTimeout, default: 300), "Seconds; kept and answered"),
        .init("cpu", .string(Limits.resourceText), "A ceiling in cores, as in 0.5; the template's if absent"),
        .init("memory", .string(Limits.resourceText), "A ceiling, as in 512Mi; the template's if absent"),
        .init("disk", .string(Limits.resourceText), "A ceiling, as in 1Gi; the template's if absent"),
        .init("env_vars", .environment, "Go over the template's"),
        .init("event", .map(.any)),
        .init("dependencies", .array(.reference("RequestedDependency"), count: Limits.dependencies)),
        .init("install_timeout", .integer(in: Limits.installTimeout, default: 300), "Seconds"),
        .init("fail_on_dependency_error", .flag(default: true)),
        .init("allow_version_conflicts", .flag(default: false)),
        .init("python_package_index_url", .string(Limits.indexURL), "Empty for the installation's default"),
    ])

    private static let requestedDependency = Schema.object([
        .init("name", .string(Limits.dependencyName), "Letters, digits, '.', '_' and '-'", required: true),
        .init("version", .string(Limits.dependencyVersion), "2.3.3, ==2.3.3 or >=2,<3; absent or empty for any"),
    ])

    private static let installDependencies = Schema.object([
        .init(
            "dependencies",
            .array(.reference("RequestedDependency"), count: Limits.newDependencies),
            "Added to those requested before",
            required: true
        ),
        .init("python_package_index_url", .string(Limits.indexURL), "Absent: as it was"),
    ])

    private static let execute = Schema.object([
        .init("code", .string(Limits.code), required: true),
        .init("language", .string(choices: Language.allCases.map(\.name)), required: true),
        .init("timeout", .integer(in: Limits.executionTimeout, default: 30), "Seconds"),
        .init("event", .map(.any), "What handler(event) gets"),
        .init("env_vars", .environment, "Of this execution; go over the session's"),
        .init(
            "retry",
            .integer(in: Limits.retries, default: 0),
            "How often it may be started again when its node is lost"
        ),
    ])

    private static let executionResult = Schema.object([
        .init("status", .string(choices: InternalRequests.statuses), required: true),
        .init("exit_code", .integer()),
        .init("stdout", .string(0...InternalRequests.outputLimit)),
        .init("stderr", .string(0...InternalRequests.outputLimit)),
        .init("error_message", .string()),
        .init("execution_time", .number(InternalRequests.seconds, default: nil), "Seconds"),
        .init("return_value", .any),
        .init("artifacts", .array(.string(), count: nil)),
        .init("metrics", .map(.any)),
    ])

    private static let containerReport = Schema.object([
        .init("session_id", .string(Limits.sessionID), required: true),
        .init("container_id", .string(InternalRequests.containerID)),
        .init("exit_code", .integer()),
        .init("exit_reason", .string()),
    ])
}
