internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox run`: a session, an execution, its output, all gone afterwards.
enum RunCommand {
    static func command(_ environment: [String: String]) -> Command {
        Command(
            "run",
            summary: "Run a program in a sandbox of its own",
            discussion: """
                Makes a session, runs the file in it, prints what it printed and what its handler returned, and ends with its \
                exit status. 124: it ran out of time; 125: it did not run to its end for another reason. The session is \
                removed afterwards.
                """,
            examples: [
                Command.Example("sandbox run hello.py", "run a Python file"),
                Command.Example("sandbox run add.py --event '{\"a\": 1, \"b\": 2}'", "call its handler(event)"),
                Command.Example("echo 'print(6*7)' | sandbox run -", "run what comes on standard input"),
            ],
            options: ClientCommand.options + SourceFile.options + [
                Option("template", value: "ID", help: "template of the session", default: "python-basic")
            ],
            positionals: [Positional("FILE", help: "the program; - for standard input")],
            action: { arguments in
                let file = try SourceFile(arguments)
                let request = try file.request(arguments)
                let client = try APIClient(arguments, environment: environment)
                return try await self.run(request, client, arguments)
            }
        )
    }

    private static func run(_ request: [UInt8], _ client: APIClient, _ arguments: Arguments) async throws -> Int32 {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("template_id", arguments.string("template") ?? "python-basic")
        writer.endObject()
        let session = try JSONObjectReader(try await client.call("POST", "/sessions", writer.bytes)).string("id")
        let path = session.percentEncoded
        let outcome: Result<[UInt8], any Error>
        do {
            outcome = .success(
                try await client.call(
                    "POST",
                    "/executions/sessions/\(path)/execute-sync?sync_timeout=3600",
                    request,
                    timeout: nil
                )
            )
        } catch {
            outcome = .failure(error)
        }
        // The outcome counts, whether the session could be removed or not; an operator's limits end what is left.
        _ = try? await client.call("DELETE", "/sessions/\(path)")
        let answer = try outcome.get()
        if try JSONObjectReader(answer).string("status") == "cancelled" {
            // A session that failed to start takes its executions along: the reason is the session's.
            Output.line("sandbox: no sandbox could be started from this template", to: 2)
        }
        return try ExecutionOutput.show(answer, arguments)
    }
}
