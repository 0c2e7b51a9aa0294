internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox session`: sandboxes that stay between executions.
enum SessionCommand {
    private static let shown = [
        "id", "template_id", "status", "container_id", "resource_limit", "created_at", "last_activity_at", "error",
    ]

    static func command(_ environment: [String: String]) -> Command {
        Command(
            "session",
            summary: "Make, show and end sessions",
            examples: [
                Command.Example("sandbox session create", "from the template python-basic; prints its id"),
                Command.Example("sandbox session create --id build-7 --memory 1Gi --cpu 2", "with a name and limits"),
                Command.Example("sandbox session delete build-7", "ends it and forgets it"),
            ],
            options: ClientCommand.options,
            subcommands: [
                self.create(environment), self.list(environment), self.get(environment),
                self.end(environment, "terminate", "End the sandbox and its files; keep the record"),
                self.delete(environment),
            ]
        )
    }

    private static func create(_ environment: [String: String]) -> Command {
        Command(
            "create",
            summary: "Make a session and print its id",
            options: [
                Option("template", value: "ID", help: "what it is made from", default: "python-basic"),
                Option("id", value: "ID", help: "a name of your own: letters, digits, . _ -"),
                Option("cpu", value: "CORES", help: "ceiling, such as 0.5; default: the template's"),
                Option("memory", value: "SIZE", help: "ceiling, such as 512Mi; default: the template's"),
                Option("disk", value: "SIZE", help: "ceiling, such as 1Gi; default: the template's"),
                Option("env", value: "KEY=VALUE", help: "a variable of the environment", isRepeatable: true),
            ],
            action: ClientCommand.action(environment) { client, arguments in
                let environment = try ClientCommand.environment(arguments.strings("env"))
                var writer = JSONWriter()
                writer.beginObject()
                writer.field("template_id", arguments.string("template") ?? "python-basic")
                if let id = arguments.string("id") { writer.field("id", id) }
                if let cpu = arguments.string("cpu") { writer.field("cpu", cpu) }
                if let memory = arguments.string("memory") { writer.field("memory", memory) }
                if let disk = arguments.string("disk") { writer.field("disk", disk) }
                writer.field("env_vars", environment)
                writer.endObject()
                let answer = try await client.call("POST", "/sessions", writer.bytes)
                try ClientCommand.show(answer, arguments) { Output.line($0.text("id")) }
            }
        )
    }

    private static func list(_ environment: [String: String]) -> Command {
        Command(
            "list",
            summary: "List sessions, newest first",
            options: [
                Option("status", value: "STATUS", help: "only these: creating, running, failed, timeout, terminated"),
                Option("limit", value: "N", help: "at most so many", default: "50"),
            ],
            action: ClientCommand.action(environment) { client, arguments in
                let limit = try arguments.int("limit", in: 1...200) ?? 50
                let filter = arguments.string("status").map { "&status=" + $0.percentEncoded } ?? ""
                let answer = try await client.call("GET", "/sessions?limit=\(limit)\(filter)")
                try ClientCommand.show(answer, arguments) { list in
                    ClientCommand.rows(
                        try list.objects("items"),
                        [("ID", "id"), ("TEMPLATE", "template_id"), ("STATUS", "status"), ("CREATED", "created_at")]
                    )
                }
            }
        )
    }

    private static func get(_ environment: [String: String]) -> Command {
        Command(
            "get",
            summary: "Show a session",
            positionals: [Positional("SESSION", help: "id of the session")],
            action: ClientCommand.action(environment) { client, arguments in
                let answer = try await client.call(
                    "GET",
                    "/sessions/\(try arguments.required("SESSION").percentEncoded)"
                )
                try ClientCommand.show(answer, arguments, ClientCommand.fields(self.shown))
            }
        )
    }

    private static func end(_ environment: [String: String], _ verb: String, _ summary: String) -> Command {
        Command(
            verb,
            summary: summary,
            positionals: [Positional("SESSION", help: "id of the session")],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("SESSION").percentEncoded
                let answer = try await client.call("POST", "/sessions/\(id)/\(verb)")
                try ClientCommand.show(answer, arguments, ClientCommand.fields(["id", "status"]))
            }
        )
    }

    private static func delete(_ environment: [String: String]) -> Command {
        Command(
            "delete",
            summary: "End a session and forget it and its executions",
            positionals: [Positional("SESSION", help: "ids of sessions", isVariadic: true)],
            action: ClientCommand.action(environment) { client, arguments in
                for id in arguments.rest("SESSION") {
                    _ = try await client.call("DELETE", "/sessions/\(id.percentEncoded)")
                    if arguments.flag("json") {
                        var writer = JSONWriter()
                        writer.beginObject()
                        writer.field("deleted", id)
                        writer.endObject()
                        Output.write(writer.bytes + [10])
                    } else {
                        Output.line(id)
                    }
                }
            }
        )
    }
}
