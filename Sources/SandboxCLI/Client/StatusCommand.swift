internal import JSON
internal import ServiceKit

/// `sandbox status`: how the server and everything it uses are.
enum StatusCommand {
    static func command(_ environment: [String: String]) -> Command {
        Command(
            "status",
            summary: "Show how the server and everything it uses are",
            discussion: "Ends with 0 if the server is healthy, else with 1.",
            options: ClientCommand.options,
            action: { arguments in
                let client = try APIClient(arguments, environment: environment)
                let answer = try await client.call("GET", "/health/detailed")
                let health = try JSONObjectReader(answer)
                try ClientCommand.show(answer, arguments) { try self.describe($0, client.baseURL) }
                return try health.string("status") == "healthy" ? 0 : 1
            }
        )
    }

    private static func describe(_ health: JSONObjectReader, _ url: String) throws {
        let uptime = Int(try health.double("uptime"))
        Output.line("\(url) is \(health.text("status")), version \(health.text("version")), up \(uptime) s")
        let parts = try health.object("dependencies")
        for name in parts.keys.sorted() {
            let part = try parts.object(name)
            Output.line("\n\(name): \(part.text("status"))")
            guard let detail = try part.optionalStringMap("detail") else { continue }
            for (key, value) in detail.sorted(by: { $0.key < $1.key }) { Output.line("  \(key): \(value)") }
        }
    }
}
