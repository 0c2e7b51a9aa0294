internal import JSON
internal import ServiceKit

/// What every client command is made of: an action that gets a client, and options that say how to answer.
enum ClientCommand {
    static let options = [
        Option("url", value: "URL", help: "address of the server; default: SANDBOX_URL, else http://127.0.0.1:8000"),
        Option("json", help: "print the server's answer as JSON"),
    ]

    static func action(
        _ environment: [String: String],
        _ body: @escaping @Sendable (APIClient, Arguments) async throws -> Void
    ) -> Command.Action {
        { arguments in
            try await body(try APIClient(arguments, environment: environment), arguments)
            return 0
        }
    }

    /// Prints the answer itself, or what `describe` makes of it.
    static func show(
        _ answer: [UInt8],
        _ arguments: Arguments,
        _ describe: (JSONObjectReader) throws -> Void
    ) throws {
        if arguments.flag("json") { return Output.write(answer + [10]) }
        try describe(try JSONObjectReader(answer))
    }

    /// Prints chosen members, a line each.
    static func fields(_ keys: [String]) -> (JSONObjectReader) -> Void {
        { object in
            let width = keys.map(\.count).max() ?? 0
            for key in keys {
                Output.line(key + String(repeating: " ", count: width - key.count) + "  " + object.text(key))
            }
        }
    }

    static func rows(_ objects: [JSONObjectReader], _ columns: [(head: String, key: String)]) {
        Output.table(columns.map(\.head), objects.map { object in columns.map { object.text($0.key) } })
    }

    /// `KEY=VALUE` texts as a map.
    static func environment(_ texts: [String]) throws -> [String: String] {
        var values: [String: String] = [:]
        for text in texts {
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw UsageError("--env takes KEY=VALUE, got \"\(text)\"")
            }
            values[String(text[..<sign])] = String(text[text.index(after: sign)...])
        }
        return values
    }
}
