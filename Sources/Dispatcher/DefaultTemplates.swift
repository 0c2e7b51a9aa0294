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
                createdAt: now,
                updatedAt: now
            )
        ]
    }
}
