internal import Foundation
internal import JSON
internal import ServiceKit

/// A program that a command was given, and how to run it.
struct SourceFile: Sendable {
    let code: String
    let language: String

    static let options = [
        Option(
            "language",
            short: "l",
            value: "LANGUAGE",
            help: "python, javascript or shell; default: by the file's ending"
        ),
        Option("event", short: "e", value: "JSON", help: "the object that the handler gets", default: "{}"),
        Option("timeout", short: "t", value: "SECONDS", help: "time that the program may take", default: "30"),
        Option("env", value: "KEY=VALUE", help: "a variable of the environment", isRepeatable: true),
    ]

    /// Reads the file, or standard input for `-`.
    init(_ arguments: Arguments) throws {
        let path = try arguments.required("FILE")
        self.language = try Self.language(arguments.string("language"), path)
        let data: Data
        if path == "-" {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else {
            do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
                throw CLIError(.file, "cannot read \(path): \(error.fileReason)", cause: error)
            }
        }
        guard let code = String(validating: data, as: UTF8.self) else {
            throw CLIError(.file, "\(path) is not UTF-8 text")
        }
        self.code = code
    }

    private static func language(_ given: String?, _ path: String) throws -> String {
        if let given { return given }
        switch (path as NSString).pathExtension {
        case "py": return "python"
        case "js", "mjs", "cjs": return "javascript"
        case "sh", "bash": return "shell"
        default:
            if path == "-" { return "python" }
            throw UsageError(
                "the language of \(path) is not known from its name: give --language python, javascript or shell"
            )
        }
    }

    /// The body of an execution request.
    func request(_ arguments: Arguments) throws -> [UInt8] {
        let event = Array((arguments.string("event") ?? "{}").utf8)
        if let fault = JSONScanner.validate(event) { throw UsageError("--event is not JSON: \(fault.message)") }
        let environment = try ClientCommand.environment(arguments.strings("env"))
        let timeout = try arguments.int("timeout", in: 1...3600) ?? 30
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("code", self.code)
        writer.field("language", self.language)
        writer.field("timeout", timeout)
        writer.field("event", raw: event)
        writer.field("env_vars", environment)
        writer.endObject()
        return writer.bytes
    }
}
