internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox node`: the worker nodes of an installation.
enum NodeCommand {
    private static let tokenOption = Option(
        "token",
        value: "TOKEN",
        help: "the installation's INTERNAL_TOKEN; default: that variable"
    )

    static func command(_ environment: [String: String]) -> Command {
        Command(
            "node",
            summary: "Show worker nodes, and take one out of use",
            discussion: """
                A node that drains gets no further session; those it has go on until they are ended. That stays so over its \
                restart.
                """,
            examples: [
                Command.Example("sandbox node list", "which nodes there are, and how full"),
                Command.Example("sandbox node drain node-3", "before maintenance of its host"),
            ],
            options: ClientCommand.options,
            subcommands: [
                self.list(environment),
                self.change(environment, "drain", "Let a node run empty"),
                self.change(environment, "undrain", "Let a node have sessions again"),
            ]
        )
    }

    private static func list(_ environment: [String: String]) -> Command {
        Command(
            "list",
            summary: "List worker nodes",
            action: ClientCommand.action(environment) { client, arguments in
                let answer = try await client.call("GET", "/nodes")
                try ClientCommand.show(answer, arguments) { nodes in
                    ClientCommand.rows(
                        try nodes.objects("items"),
                        [
                            ("NODE", "id"), ("STATUS", "status"), ("SESSIONS", "sessions"), ("CAPACITY", "capacity"),
                            ("WARM", "warm_sandboxes"), ("RUNTIME", "runtime"), ("UPDATED", "updated_at"),
                        ]
                    )
                }
            }
        )
    }

    private static func change(_ environment: [String: String], _ name: String, _ summary: String) -> Command {
        Command(
            name,
            summary: summary,
            options: [Self.tokenOption],
            positionals: [Positional("NODE", help: "id of the node")],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("NODE")
                guard let token = arguments.string("token") ?? environment["INTERNAL_TOKEN"], !token.isEmpty else {
                    throw UsageError("changing a node needs the installation's token: --token or INTERNAL_TOKEN")
                }
                let answer = try await client.call("POST", "/nodes/\(id.percentEncoded)/\(name)", token: token)
                try ClientCommand.show(answer, arguments) { Output.line($0.text("message")) }
            }
        )
    }
}
