internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox exec`: executions in a session that stays.
enum ExecCommand {
    static func command(_ environment: [String: String]) -> Command {
        Command(
            "exec",
            summary: "Run programs in a session, and look at their executions",
            examples: [
                Command.Example("sandbox exec run SESSION job.py", "run it, wait, print its output"),
                Command.Example("sandbox exec run SESSION job.py --detach", "print the execution's id and return"),
                Command.Example("sandbox exec result EXECUTION --wait 60", "wait for its end"),
            ],
            options: ClientCommand.options,
            subcommands: [
                self.run(environment), self.result(environment), self.list(environment), self.cancel(environment),
            ]
        )
    }

    private static func run(_ environment: [String: String]) -> Command {
        Command(
            "run",
            summary: "Run a program in the session",
            options: SourceFile.options + [Option("detach", short: "d", help: "do not wait; print the execution's id")],
            positionals: [
                Positional("SESSION", help: "id of the session"),
                Positional("FILE", help: "the program; - for standard input"),
            ],
            action: { arguments in
                let request = try SourceFile(arguments).request(arguments)
                let client = try APIClient(arguments, environment: environment)
                let path = "/executions/sessions/\(try arguments.required("SESSION").percentEncoded)"
                if arguments.flag("detach") {
                    let answer = try await client.call("POST", path + "/execute", request)
                    try ClientCommand.show(answer, arguments) { Output.line($0.text("execution_id")) }
                    return 0
                }
                let answer = try await client.call(
                    "POST",
                    path + "/execute-sync?sync_timeout=3600",
                    request,
                    timeout: nil
                )
                return try ExecutionOutput.show(answer, arguments)
            }
        )
    }

    private static func result(_ environment: [String: String]) -> Command {
        Command(
            "result",
            summary: "Show how an execution stands, or ended",
            options: [Option("wait", short: "w", value: "SECONDS", help: "wait so long for its end", default: "0")],
            positionals: [Positional("EXECUTION", help: "id of the execution")],
            action: { arguments in
                let client = try APIClient(arguments, environment: environment)
                let id = try arguments.required("EXECUTION").percentEncoded
                let wait = try arguments.int("wait", in: 0...300) ?? 0
                let answer = try await client.call("GET", "/executions/\(id)/result?wait=\(wait)", timeout: nil)
                let status = try JSONObjectReader(answer).string("status")
                if status == "pending" || status == "running" {
                    try ClientCommand.show(answer, arguments) { _ in
                        Output.line("sandbox: the execution is \(status)", to: 2)
                    }
                    return ExecutionOutput.notRun
                }
                return try ExecutionOutput.show(answer, arguments)
            }
        )
    }

    private static func list(_ environment: [String: String]) -> Command {
        Command(
            "list",
            summary: "List the executions of a session, newest first",
            options: [Option("limit", value: "N", help: "at most so many", default: "50")],
            positionals: [Positional("SESSION", help: "id of the session")],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("SESSION").percentEncoded
                let limit = try arguments.int("limit", in: 1...200) ?? 50
                let answer = try await client.call("GET", "/executions/sessions/\(id)/executions?limit=\(limit)")
                try ClientCommand.show(answer, arguments) { list in
                    ClientCommand.rows(
                        try list.objects("items"),
                        [
                            ("ID", "id"), ("STATUS", "status"), ("LANGUAGE", "language"), ("SECONDS", "execution_time"),
                            ("CREATED", "created_at"),
                        ]
                    )
                }
            }
        )
    }

    private static func cancel(_ environment: [String: String]) -> Command {
        Command(
            "cancel",
            summary: "End an execution that waits or runs",
            positionals: [Positional("EXECUTION", help: "id of the execution")],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("EXECUTION").percentEncoded
                let answer = try await client.call("POST", "/executions/\(id)/cancel")
                try ClientCommand.show(answer, arguments, ClientCommand.fields(["id", "status", "error_message"]))
            }
        )
    }
}
