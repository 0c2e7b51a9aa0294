/// Turns words into a decision what to do. Pure: neither prints nor runs anything.
struct CommandParser {
    enum Outcome {
        case run(Command.Action, Arguments)
        /// For standard output, status 0.
        case show(String)
        /// For standard error, status 64; `path` is the command whose help would tell more.
        case wrong(UsageError, path: [String])
    }

    private var path: [Command]
    private var arguments: Arguments
    private var loose: [String] = []
    private var wantsHelp = false
    private var wantsVersion = false

    static func parse(_ words: [String], of root: Command) -> Outcome {
        var parser = CommandParser(root: root)
        do throws(UsageError) {
            try parser.read(words)
            return try parser.outcome()
        } catch {
            // Who asked for help gets it, whatever else is on the line.
            if parser.wantsHelp || words.contains("--help") { return .show(CommandHelp.text(for: parser.path)) }
            return .wrong(error, path: parser.path.map(\.name))
        }
    }

    private init(root: Command) {
        self.path = [root]
        self.arguments = Arguments(path: [root.name])
    }

    private var command: Command { self.path[self.path.count - 1] }

    private mutating func read(_ words: [String]) throws(UsageError) {
        var index = 0
        var isLiteral = false
        while index < words.count {
            let word = words[index]
            index += 1
            if isLiteral || word == "-" || !word.hasPrefix("-") {
                try self.take(word, isLiteral: isLiteral)
            } else if word == "--" {
                isLiteral = true
            } else if word == "--help" || word == "-h" {
                self.wantsHelp = true
            } else if word == "--version", self.path[0].version != nil {
                self.wantsVersion = true
            } else {
                try self.takeOption(word, words, &index)
            }
        }
    }

    private mutating func take(_ word: String, isLiteral: Bool) throws(UsageError) {
        guard !isLiteral, self.loose.isEmpty, !self.command.subcommands.isEmpty else {
            self.loose.append(word)
            return
        }
        if word == "help" {
            self.wantsHelp = true
        } else if let next = self.command.subcommands.first(where: { $0.name == word }) {
            self.path.append(next)
            self.arguments.path.append(next.name)
        } else if self.command.action != nil {
            self.loose.append(word)
        } else {
            let nearest = Spelling.nearest(to: word, among: self.command.subcommands.map(\.name))
            throw UsageError("unknown command \"\(word)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""))
        }
    }

    private mutating func takeOption(_ word: String, _ words: [String], _ index: inout Int) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let known = self.path.flatMap(\.options)
        let isLong = name.hasPrefix("--")
        let found = known.last { isLong ? "--\($0.name)" == name : $0.short.map { "-\($0)" } == name }
        guard let option = found else {
            let names = known.map { "--\($0.name)" } + ["--help"]
            let nearest = isLong ? Spelling.nearest(to: name, among: names) : nil
            throw UsageError("unknown option \(name)" + (nearest.map { "; did you mean \($0)?" } ?? ""))
        }
        if option.value == nil {
            guard parts.count == 1 else { throw UsageError("--\(option.name) takes no value") }
            self.arguments.flags.insert(option.name)
            return
        }
        let value: String
        if parts.count == 2 {
            value = String(parts[1])
        } else if index < words.count {
            value = words[index]
            index += 1
        } else {
            throw UsageError("--\(option.name) needs a value")
        }
        if !option.isRepeatable, self.arguments.options[option.name] != nil {
            throw UsageError("--\(option.name) is given twice")
        }
        self.arguments.options[option.name, default: []].append(value)
    }

    private mutating func outcome() throws(UsageError) -> Outcome {
        if self.wantsHelp { return .show(CommandHelp.text(for: self.path)) }
        if self.wantsVersion, let version = self.path[0].version { return .show("\(self.path[0].name) \(version)\n") }
        guard let action = self.command.action else {
            if self.path.count == 1, self.arguments.options.isEmpty, self.arguments.flags.isEmpty {
                return .show(CommandHelp.text(for: self.path))
            }
            let names = self.command.subcommands.map(\.name).joined(separator: ", ")
            throw UsageError("\(self.command.name) needs a command: \(names)")
        }
        try self.place()
        for option in self.path.flatMap(\.options) {
            self.arguments.defaults[option.name] = option.defaultValue
        }
        return .run(action, self.arguments)
    }

    private mutating func place() throws(UsageError) {
        var words = self.loose[...]
        for positional in self.command.positionals {
            if words.isEmpty {
                if positional.isOptional { continue }
                throw UsageError("missing argument \(positional.name): \(positional.help)")
            }
            let count = positional.isVariadic ? words.count : 1
            self.arguments.positionals[positional.name] = Array(words.prefix(count))
            words = words.dropFirst(count)
        }
        if let extra = words.first { throw UsageError("unexpected argument \"\(extra)\"") }
    }
}
