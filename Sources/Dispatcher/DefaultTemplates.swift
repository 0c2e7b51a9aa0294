internal import Messages

/// What a new installation begins with.
enum DefaultTemplates {
    static func all(now: Timestamp) -> [Template] {
        [
            Template(
                id: TemplateID("python-basic"),
                name: "Python Basic",
                imageURL: "sandbox-template-python-basic:latest",
                runtime: .python311,
                // A whole core: half of one would be used up by a client that runs one small function after the other.
                cpuMillis: 1000,
                createdAt: now,
                updatedAt: now
            )
        ]
    }
}
