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
                Command.Example("sandbox serve", "start the platform on http://127.0.0.1:8000"),
                Command.Example("sandbox run hello.py", "run a file in a sandbox of its own, from another terminal"),
                Command.Example("sandbox status", "see how the platform is"),
            ],
            subcommands: [
                ServeCommand.command(environment: environment), RunCommand.command(environment),
                SessionCommand.command(environment), ExecCommand.command(environment),
                FilesCommand.command(environment),
                TemplateCommand.command(environment), NodeCommand.command(environment),
                StatusCommand.command(environment),
            ],
            version: self.version
        )
    }
}
