/// Renders what a command says about itself.
enum CommandHelp {
    private static let width = 100

    /// - Parameter path: From the root command to the one that is explained.
    static func text(for path: [Command]) -> String {
        let command = path[path.count - 1]
        var sections = ["\(Self.capitalized(command.summary)).", "Usage: \(Self.usage(path))"]
        if !command.discussion.isEmpty { sections.append(Self.wrap(command.discussion, indent: 0)) }
        if !command.examples.isEmpty {
            let lines = command.examples.map { "  $ \($0.line)\n" + Self.wrap($0.explanation, indent: 6) }
            sections.append("Examples:\n" + lines.joined(separator: "\n"))
        }
        let positionals = command.positionals.map { ($0.name, $0.help + ($0.isOptional ? " (optional)" : "")) }
        sections += Self.table("Arguments:", positionals)
        sections += Self.table("Commands:", command.subcommands.map { ($0.name, $0.summary) })
        var options = path.reversed().flatMap(\.options).map { (Self.form($0), Self.explanation($0)) }
        options.append(("-h, --help", "Show this help"))
        if path.count == 1, command.version != nil { options.append(("--version", "Show the version")) }
        sections += Self.table("Options:", options)
        if !command.subcommands.isEmpty {
            let names = path.map(\.name).joined(separator: " ")
            sections.append("\"\(names) COMMAND --help\" explains a command.")
        }
        return sections.joined(separator: "\n\n") + "\n"
    }

    private static func usage(_ path: [Command]) -> String {
        let command = path[path.count - 1]
        var words = path.map(\.name)
        if !path.flatMap(\.options).isEmpty { words.append("[OPTIONS]") }
        for positional in command.positionals {
            let name = positional.name + (positional.isVariadic ? "..." : "")
            words.append(positional.isOptional ? "[\(name)]" : name)
        }
        if !command.subcommands.isEmpty { words.append(command.action == nil ? "COMMAND" : "[COMMAND]") }
        return words.joined(separator: " ")
    }

    private static func form(_ option: Option) -> String {
        let short = option.short.map { "-\($0), " } ?? ""
        return "\(short)--\(option.name)" + (option.value.map { " \($0)" } ?? "")
    }

    private static func explanation(_ option: Option) -> String {
        var text = option.help
        if let value = option.defaultValue { text += " (default: \(value))" }
        if option.isRepeatable { text += "; may be repeated" }
        return text
    }

    private static func table(_ title: String, _ rows: [(String, String)]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let column = min(rows.map(\.0.count).max() ?? 0, 32) + 4
        let lines = rows.map { name, help in
            let wrapped = Self.wrap(help, indent: column)
            // A name that is too wide has its explanation on the next line.
            guard name.count + 4 <= column else { return "  \(name)\n\(wrapped)" }
            return "  " + name + wrapped.dropFirst(name.count + 2)
        }
        return [([title] + lines).joined(separator: "\n")]
    }

    /// Breaks at spaces; line breaks of the text stay.
    static func wrap(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in paragraph.split(separator: " ") {
                if !line.isEmpty, indent + line.count + 1 + word.count > Self.width {
                    lines.append(margin + line)
                    line = ""
                }
                line += line.isEmpty ? "\(word)" : " \(word)"
            }
            lines.append(line.isEmpty ? "" : margin + line)
        }
        return lines.joined(separator: "\n")
    }

    private static func capitalized(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
