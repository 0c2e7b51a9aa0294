internal import Foundation
internal import Glibc
internal import HTTPClient
internal import JSON
internal import ServiceKit

/// `sandbox files`: into and out of a session's workspace.
enum FilesCommand {
    static func command(_ environment: [String: String]) -> Command {
        Command(
            "files",
            summary: "List, upload and download the files of a session",
            examples: [
                Command.Example("sandbox files upload SESSION data.csv", "to /workspace/data.csv"),
                Command.Example("sandbox files upload SESSION data.csv --to in/a.csv", "to /workspace/in/a.csv"),
                Command.Example("sandbox files download SESSION out/plot.png", "to ./plot.png"),
            ],
            options: ClientCommand.options,
            subcommands: [self.list(environment), self.upload(environment), self.download(environment)]
        )
    }

    private static func list(_ environment: [String: String]) -> Command {
        Command(
            "list",
            summary: "List the files of a session",
            positionals: [
                Positional("SESSION", help: "id of the session"),
                Positional("PATH", help: "a folder of the workspace", isOptional: true),
            ],
            action: ClientCommand.action(environment) { client, arguments in
                let id = try arguments.required("SESSION").percentEncoded
                let path = arguments.positional("PATH").map { "?path=" + $0.percentEncoded } ?? ""
                let answer = try await client.call("GET", "/sessions/\(id)/files\(path)")
                try ClientCommand.show(answer, arguments) { list in
                    ClientCommand.rows(
                        try list.objects("files"),
                        [("SIZE", "size"), ("MODIFIED", "modified_time"), ("NAME", "name")]
                    )
                }
            }
        )
    }

    private static func upload(_ environment: [String: String]) -> Command {
        Command(
            "upload",
            summary: "Copy a file into a session",
            options: [Option("to", value: "PATH", help: "where in the workspace; default: the file's own name")],
            positionals: [
                Positional("SESSION", help: "id of the session"), Positional("FILE", help: "a file of this machine"),
            ],
            action: ClientCommand.action(environment) { client, arguments in
                let file = try arguments.required("FILE")
                let name = (file as NSString).lastPathComponent
                let descriptor = open(file, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else {
                    throw CLIError(.file, "cannot read \(file): \(String(cString: strerror(errno)))")
                }
                defer { close(descriptor) }
                let size = lseek(descriptor, 0, SEEK_END)
                guard size >= 0 else { throw CLIError(.file, "\(file) is not a regular file") }
                var form = HTTPClientMultipart()
                form.add("file", filename: name, .file(descriptor: descriptor, offset: 0, count: Int(size)))
                let target = (arguments.string("to") ?? name).percentEncoded
                let id = try arguments.required("SESSION").percentEncoded
                let answer = try await client.upload("/sessions/\(id)/files/upload?path=\(target)", form)
                try ClientCommand.show(answer, arguments, ClientCommand.fields(["file_path", "size"]))
            }
        )
    }

    private static func download(_ environment: [String: String]) -> Command {
        Command(
            "download",
            summary: "Copy a file out of a session",
            options: [
                Option(
                    "to",
                    value: "FILE",
                    help: "where on this machine, - for standard output; default: its name, here"
                )
            ],
            positionals: [
                Positional("SESSION", help: "id of the session"), Positional("PATH", help: "a file of the workspace"),
            ],
            action: ClientCommand.action(environment) { client, arguments in
                let path = try arguments.required("PATH")
                let target = arguments.string("to") ?? (path as NSString).lastPathComponent
                let segments = path.split(separator: "/").map { String($0).percentEncoded }.joined(separator: "/")
                let source = "/sessions/\(try arguments.required("SESSION").percentEncoded)/files/\(segments)"
                if target == "-" { return try await client.download(source, to: 1) }
                // Beside the target and renamed: a download that fails leaves nothing half there.
                let partial = target + ".part"
                let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
                guard descriptor >= 0 else {
                    throw CLIError(.file, "cannot write \(partial): \(String(cString: strerror(errno)))")
                }
                defer { close(descriptor) }
                do { try await client.download(source, to: descriptor) } catch {
                    unlink(partial)
                    throw error
                }
                guard rename(partial, target) == 0 else {
                    throw CLIError(.file, "cannot write \(target): \(String(cString: strerror(errno)))")
                }
                var writer = JSONWriter()
                writer.object { writer in
                    writer.field("file", target)
                    writer.field("size", lseek(descriptor, 0, SEEK_END))
                }
                try ClientCommand.show(writer.bytes, arguments) {
                    Output.line("\($0.text("file"))  \($0.text("size")) bytes")
                }
            }
        )
    }
}
