public import ServiceKit

/// The command line of `sandbox`.
public enum SandboxCommand {
    /// What `--version` and the health calls tell.
    public static let version = "2.1.0"

    /// - Parameter environment: The process environment, read once.
    public static func root(environment: [String: String]) -> Command {
        Command(
            "sandbox",
            summary: "Run untrusted code in isolated sandboxes",
            discussion: """
                "sandbox serve" is the whole platform in one process; the other commands are its clients, over its REST API.
                """,
            examples: [
                Command.Example("sandbox serve", "start the platform on http://127.0.0.1:8000")
            ],
            subcommands: [ServeCommand.command(environment: environment)],
            version: self.version
        )
    }
}
