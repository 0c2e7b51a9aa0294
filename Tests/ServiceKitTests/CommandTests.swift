import ServiceKit
import Testing

/// A program of two commands that notes what it was called with.
private final class Program: Sendable {
    let calls = Locked([String]())
    let output = Locked("")
    let errors = Locked("")

    struct Failure: Error, CustomStringConvertible { var description: String { "the disk is full" } }

    private func command() -> Command {
        Command(
            "tool",
            summary: "runs things",
            options: [
                Option("json", help: "Print JSON"),
                Option("url", short: "u", value: "URL", help: "Where the server is", default: "http://x"),
            ],
            subcommands: [
                Command(
                    "run",
                    summary: "run a file",
                    discussion: "Runs FILE in a sandbox.",
                    examples: [.init("tool run a.py --env A=1", "Runs a.py with A set.")],
                    options: [
                        Option("env", short: "e", value: "NAME=VALUE", help: "Set a variable", isRepeatable: true),
                        Option("timeout", value: "SECONDS", help: "Limit", default: "300"),
                    ],
                    positionals: [
                        Positional("FILE", help: "what to run"),
                        Positional("ARGUMENT", help: "for the program", isOptional: true, isVariadic: true),
                    ]
                ) { [calls] arguments in
                    let timeout = try arguments.int("timeout", in: 1...3600) ?? 0
                    let rest = arguments.rest("ARGUMENT").joined(separator: ",")
                    let text = try """
                    \(arguments.path.joined(separator: ".")) \(arguments.required("FILE")) [\(rest)] \
                    env=\(arguments.strings("env").joined(separator: ",")) timeout=\(timeout) \
                    json=\(arguments.flag("json")) url=\(arguments.string("url") ?? "")
                    """
                    calls.withLock { $0.append(text) }
                    return 7
                },
                Command("fail", summary: "fail") { _ in throw Failure() },
                Command(
                    "session",
                    summary: "sessions",
                    subcommands: [Command("list", summary: "list them") { _ in 0 }]
                ),
            ],
            version: "1.2"
        )
    }

    func run(_ words: [String]) async -> Int32 {
        await self.command().run(
            words,
            output: { text in self.output.withLock { $0 += text } },
            errors: { text in self.errors.withLock { $0 += text } }
        )
    }
}

@Suite struct CommandTests {
    private let program = Program()

    @Test(arguments: [
        (["run", "a.py"], "tool.run a.py [] env= timeout=300 json=false url=http://x"),
        (
            ["run", "--env", "A=1", "a.py", "-e", "B=2=3", "--timeout=5"],
            "tool.run a.py [] env=A=1,B=2=3 timeout=5 json=false url=http://x"
        ),
        (
            ["--json", "-u", "http://y", "run", "a.py", "x", "y"],
            "tool.run a.py [x,y] env= timeout=300 json=true url=http://y"
        ),
        (
            ["run", "--json", "--", "--a.py", "--env", "--"],
            "tool.run --a.py [--env,--] env= timeout=300 json=true url=http://x"
        ),
        (["run", "-", "--url="], "tool.run - [] env= timeout=300 json=false url="),
    ])
    func readsTheLine(_ words: [String], _ call: String) async {
        #expect(await self.program.run(words) == 7)
        #expect(self.program.calls.withLock { $0 } == [call])
        #expect(self.program.errors.withLock { $0 } == "")
    }

    @Test(arguments: [
        (["rnu"], "error: unknown command \"rnu\"; did you mean \"run\"?\nTry \"tool --help\".\n"),
        (["sess"], "error: unknown command \"sess\"; did you mean \"session\"?\nTry \"tool --help\".\n"),
        (["zzz"], "error: unknown command \"zzz\"\nTry \"tool --help\".\n"),
        (["session"], "error: session needs a command: list\nTry \"tool session --help\".\n"),
        (
            ["session", "lsit"],
            "error: unknown command \"lsit\"; did you mean \"list\"?\nTry \"tool session --help\".\n"
        ),
        (["run"], "error: missing argument FILE: what to run\nTry \"tool run --help\".\n"),
        (
            ["run", "a", "--tiemout", "5"],
            "error: unknown option --tiemout; did you mean --timeout?\nTry \"tool run --help\".\n"
        ),
        (["run", "a", "-x"], "error: unknown option -x\nTry \"tool run --help\".\n"),
        (["run", "a", "--timeout"], "error: --timeout needs a value\nTry \"tool run --help\".\n"),
        (["run", "a", "--timeout", "0"], "error: --timeout must be from 1 to 3600, got 0\nTry \"tool run --help\".\n"),
        (
            ["run", "a", "--timeout", "x"],
            "error: --timeout must be a whole number, got \"x\"\nTry \"tool run --help\".\n"
        ),
        (
            ["run", "a", "--timeout", "1", "--timeout", "2"],
            "error: --timeout is given twice\nTry \"tool run --help\".\n"
        ),
        (["run", "a", "--json=1"], "error: --json takes no value\nTry \"tool run --help\".\n"),
        (["fail", "extra"], "error: unexpected argument \"extra\"\nTry \"tool fail --help\".\n"),
        (["--json"], "error: tool needs a command: run, fail, session\nTry \"tool --help\".\n"),
    ])
    func explainsAWrongLine(_ words: [String], _ message: String) async {
        #expect(await self.program.run(words) == 64)
        #expect(self.program.errors.withLock { $0 } == message)
        #expect(self.program.output.withLock { $0 } == "")
    }

    @Test func tellsWhatAnActionThrows() async {
        #expect(await self.program.run(["fail"]) == 1)
        #expect(self.program.errors.withLock { $0 } == "error: the disk is full\n")
    }

    @Test(arguments: [
        ["run", "--help"], ["help", "run"], ["run", "-h", "--wrong"], ["run", "--timeout", "--help", "x", "-h"],
    ])
    func helpTeaches(_ words: [String]) async {
        #expect(await self.program.run(words) == 0)
        #expect(
            self.program.output.withLock { $0 } == """
                Run a file.

                Usage: tool run [OPTIONS] FILE [ARGUMENT...]

                Runs FILE in a sandbox.

                Examples:
                  $ tool run a.py --env A=1
                      Runs a.py with A set.

                Arguments:
                  FILE      what to run
                  ARGUMENT  for the program (optional)

                Options:
                  -e, --env NAME=VALUE  Set a variable; may be repeated
                  --timeout SECONDS     Limit (default: 300)
                  --json                Print JSON
                  -u, --url URL         Where the server is (default: http://x)
                  -h, --help            Show this help

                """
        )
    }

    @Test func nothingAtAllShowsTheHelp() async {
        #expect(await self.program.run([]) == 0)
        let text = self.program.output.withLock { $0 }
        #expect(text.contains("Commands:\n  run      run a file\n  fail     fail\n  session  sessions\n"))
        #expect(text.contains("  --version"))
        #expect(text.hasSuffix("\"tool COMMAND --help\" explains a command.\n"))
    }

    @Test func showsTheVersion() async {
        #expect(await self.program.run(["--version"]) == 0)
        #expect(self.program.output.withLock { $0 } == "tool 1.2\n")
    }
}
