internal import Glibc
internal import ServiceKit

/// `sandbox serve`: the whole platform in one process.
enum ServeCommand {
    static func command(environment: [String: String]) -> Command {
        Command(
            "serve",
            summary: "Run the whole platform on this machine",
            discussion: """
                Gateway, dispatcher and worker node in one process, over a durable log in the data folder. What was accepted \
                is finished after a restart, however the process ended. SIGTERM or Ctrl-C stops it when running work has \
                ended; a second one stops it at once.

                Settings come from the environment; "sandbox serve --settings" lists them with their defaults.
                """,
            examples: [
                Command.Example("sandbox serve", "listen on http://127.0.0.1:8000"),
                Command.Example("sandbox serve --port 9000 --data /var/lib/sandbox", "another port, another folder"),
            ],
            options: [
                Option("host", value: "ADDRESS", help: "IPv4 address to listen on", default: "127.0.0.1"),
                Option("port", value: "PORT", help: "port to listen on, 0 for a free one", default: "8000"),
                Option(
                    "data",
                    value: "DIR",
                    help: "folder for everything that is kept; default: $XDG_DATA_HOME/sandbox"
                ),
                Option(
                    "runtime",
                    value: "RUNTIME",
                    help: "what makes the sandboxes: bubblewrap or docker; default: RUNTIME, else bubblewrap"
                ),
                Option("settings", help: "list the settings of the environment, and return"),
            ],
            action: { arguments in
                let settings = try ServeConfiguration(arguments: arguments, environment: environment)
                if arguments.flag("settings") {
                    Output.table(["SETTING", "DEFAULT", "KIND", "MEANING"], settings.keys.map(Self.row))
                    return 0
                }
                return await Self.run(settings)
            }
        )
    }

    private static func row(_ key: ConfigurationReader.Key) -> [String] {
        [key.name, key.defaultValue ?? "-", key.kind, key.help]
    }

    private static func run(_ configuration: ServeConfiguration) async -> Int32 {
        let logger = configuration.logger
        do {
            let platform = try await Platform.open(configuration)
            try await platform.run()
            logger.flush()
            return 0
        } catch {
            logger.flush()
            let text = "sandbox serve: \(ServeProblem.describe(error, configuration))\n"
            _ = text.withCString { write(2, $0, strlen($0)) }
            logger.debug("Stopped", metadata: ["error": "\(error)"])
            logger.flush()
            return 1
        }
    }
}
