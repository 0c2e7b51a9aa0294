/// A command of a program as data: what it takes, what it says about itself, what it does.
///
/// A command has either subcommands or an action. Options of a command also work after its subcommands' names.
public struct Command: Sendable {
    /// A call that shows what the command is for.
    public struct Example: Sendable {
        public var line: String
        public var explanation: String

        public init(_ line: String, _ explanation: String) {
            self.line = line
            self.explanation = explanation
        }
    }

    /// What runs: returns the exit status of the process.
    public typealias Action = @Sendable (Arguments) async throws -> Int32

    public var name: String
    /// One line, without a full stop.
    public var summary: String
    /// Paragraphs below the usage line.
    public var discussion: String
    public var examples: [Example]
    public var options: [Option]
    public var positionals: [Positional]
    public var subcommands: [Command]
    /// Shown by `--version`; of the root command only.
    public var version: String?
    public var action: Action?

    public init(
        _ name: String,
        summary: String,
        discussion: String = "",
        examples: [Example] = [],
        options: [Option] = [],
        positionals: [Positional] = [],
        subcommands: [Command] = [],
        version: String? = nil,
        action: Action? = nil
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.examples = examples
        self.options = options
        self.positionals = positionals
        self.subcommands = subcommands
        self.version = version
        self.action = action
    }
}

/// `--name VALUE`, `--name=VALUE`, or a flag without a value.
public struct Option: Sendable {
    /// Without dashes.
    public var name: String
    /// A one-letter form, without the dash.
    public var short: Character?
    /// What stands for the value in the help, in capitals; `nil` makes the option a flag.
    public var value: String?
    public var help: String
    /// Told in the help, and what ``Arguments/string(_:)`` gives when the option is not there.
    public var defaultValue: String?
    /// Whether it may come several times; else twice is a usage error.
    public var isRepeatable: Bool

    public init(
        _ name: String,
        short: Character? = nil,
        value: String? = nil,
        help: String,
        default defaultValue: String? = nil,
        isRepeatable: Bool = false
    ) {
        self.name = name
        self.short = short
        self.value = value
        self.help = help
        self.defaultValue = defaultValue
        self.isRepeatable = isRepeatable
    }
}

/// An argument known by its place.
public struct Positional: Sendable {
    /// In capitals, as in the help.
    public var name: String
    public var help: String
    public var isOptional: Bool
    /// Takes all that is left; only the last one may.
    public var isVariadic: Bool

    public init(_ name: String, help: String, isOptional: Bool = false, isVariadic: Bool = false) {
        self.name = name
        self.help = help
        self.isOptional = isOptional
        self.isVariadic = isVariadic
    }
}
