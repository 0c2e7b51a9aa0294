internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox template`: what sessions are made from.
enum TemplateCommand {
    private static let shown = [
        "id", "name", "image_url", "runtime_type", "default_cpu_cores", "default_memory_mb", "default_disk_mb",
        "default_timeout_sec", "default_env_vars", "created_at",
    ]

    static func command(_ environment: [String: String]) -> Command {
        Command(
            "template",
            summary: "Make, show and delete templates",
            examples: [
                Command.Example("sandbox template list", "what sessions can be made from"),
                Command.Example("sandbox template create big --memory 4096", "Python with 4 GiB"),
            ],
            options: ClientCommand.options,
            subcommands: [
                self.create(environment), self.list(environment), self.get(environment), self.delete(environment),
            ]
        )
    }

    private static func create(_ environment: [String: String]) -> Command {
        Command(
            "create",
            summary: "Make a template",
            options: [
                Option("name", value: "NAME", help: "default: the id"),
                Option("image", value: "IMAGE", help: "default image", default: "sandbox-template-python-basic:latest"),
                Option(
                    "runtime",
                    value: "RUNTIME",
                    help: "python3.11, nodejs20, java17 or go1.21",
                    default: "python3.11"
                ),
                Option("cpu", value: "CORES", help: "ceiling of its sessions, 0.1 to 4", default: "0.5"),
                Option("memory", value: "MB", help: "ceiling of its sessions, 128 to 8192", default: "512"),
                Option("disk", value: "MB", help: "ceiling of its sessions, 256 to 51200", default: "1024"),
                Option("env", value: "KEY=VALUE", help: "a variable of the environment", isRepeatable: true),
            ],
            positionals: [Positional("TEMPLATE", help: "id of the template")],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("TEMPLATE")
                let environment = try ClientCommand.environment(arguments.strings("env"))
                var writer = JSONWriter()
                writer.beginObject()
                writer.field("id", id)
                writer.field("name", arguments.string("name") ?? id)
                writer.field("image_url", arguments.string("image") ?? "")
                writer.field("runtime_type", arguments.string("runtime") ?? "")
                writer.field("default_cpu_cores", try arguments.double("cpu") ?? 0.5)
                writer.field("default_memory_mb", try arguments.int("memory") ?? 512)
                writer.field("default_disk_mb", try arguments.int("disk") ?? 1024)
                writer.field("default_env_vars", environment)
                writer.endObject()
                let answer = try await client.call("POST", "/templates", writer.bytes)
                try ClientCommand.show(answer, arguments, ClientCommand.fields(self.shown))
            }
        )
    }

    private static func list(_ environment: [String: String]) -> Command {
        Command(
            "list",
            summary: "List templates by name",
            action: ClientCommand.action(environment) { client, arguments in
                let answer = try await client.call("GET", "/templates?limit=200")
                if arguments.flag("json") { return Output.write(answer + [10]) }
                ClientCommand.rows(
                    try JSONObjectReader.array(answer),
                    [("ID", "id"), ("NAME", "name"), ("RUNTIME", "runtime_type"), ("IMAGE", "image_url")]
                )
            }
        )
    }

    private static func get(_ environment: [String: String]) -> Command {
        Command(
            "get",
            summary: "Show a template",
            positionals: [Positional("TEMPLATE", help: "id of the template")],
            action: ClientCommand.action(environment) { client, arguments in
                let answer = try await client.call(
                    "GET",
                    "/templates/\(try arguments.required("TEMPLATE").percentEncoded)"
                )
                try ClientCommand.show(answer, arguments, ClientCommand.fields(self.shown))
            }
        )
    }

    private static func delete(_ environment: [String: String]) -> Command {
        Command(
            "delete",
            summary: "Delete a template; its sessions live on",
            positionals: [Positional("TEMPLATE", help: "id of the template")],
            action: ClientCommand.action(environment) { client, arguments in
                let answer = try await client.call(
                    "DELETE",
                    "/templates/\(try arguments.required("TEMPLATE").percentEncoded)"
                )
                try ClientCommand.show(answer, arguments) { Output.line($0.text("message")) }
            }
        )
    }
}
