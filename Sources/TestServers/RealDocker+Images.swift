import Foundation
import Glibc
import HTTPClient
import TestSpawn

extension RealDocker {
    /// What is in an image that is made of this host's files.
    public enum Content: Sendable {
        /// Python with its library, a shell and the usual small commands; Node.js if it is there.
        case interpreters
        /// Nothing at all.
        case nothing
    }

    /// Makes an image from files of this host; no registry is asked.
    ///
    /// - Parameter changes: Lines of a Dockerfile, such as `ENV A=b`.
    public func makeImage(_ name: String, of content: Content, changes: [String] = []) async throws {
        let archive = "\(self.directory)/image-\(UUID().uuidString.prefix(8)).tar"
        defer { unlink(archive) }
        try await Self.writeArchive(archive, content)
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: archive))
        defer {
            // Nothing was written through it.
            try? file.close()
        }
        let count = Int(try file.seekToEnd())
        let parts = name.split(separator: ":", maxSplits: 1)
        var path = "/images/create?fromSrc=-&repo=\(parts[0])&tag=\(parts.count > 1 ? parts[1] : "latest")"
        for change in changes {
            let allowed = CharacterSet.alphanumerics
            path += "&changes=" + (change.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        try await self.request(
            "POST",
            path,
            body: [.file(descriptor: file.fileDescriptor, offset: 0, count: count)]
        )
    }

    private static let commands = [
        "bash", "cat", "chroot", "cut", "dash", "env", "grep", "head", "hostname", "id", "ls", "mkdir", "mount", "rm",
        "seq", "sleep", "sh", "touch", "tr", "uname", "unshare", "wc",
    ]

    private static func writeArchive(_ archive: String, _ content: Content) async throws {
        switch content {
        case .nothing: try await self.run("/bin/tar", ["-cf", archive, "-T", "/dev/null"])
        case .interpreters:
            let programs = ["/usr/bin/python3.11", "/usr/bin/node"] + self.commands.map { "/usr/bin/\($0)" }
            let found = programs.filter { access($0, X_OK) == 0 }
            let modules = try self.files(in: "/usr/lib/python3.11/lib-dynload")
            let libraries = try await self.libraries(of: found + modules) + self.swiftLibraries
            let names =
                found
                + found.map { $0.replacingOccurrences(of: "/usr/bin/", with: "/bin/") }
                .filter { !$0.contains("python") && !$0.contains("node") } + libraries + ["/usr/lib/python3.11"]
            try await self.run(
                "/bin/tar",
                ["-cf", archive, "-h", "-C", "/", "--exclude=test", "--exclude=config-3.11*", "--owner=0", "--group=0"]
                    + ["--exclude=ensurepip", "--exclude=pydoc_data"]
                    + Set(names).sorted().map { String($0.dropFirst()) }
            )
        }
    }

    /// What an agent that was built for development needs of the system beside Swift's own.
    private static let swiftLibraries = ["libstdc++.so.6", "libgcc_s.so.1", "libm.so.6"].map {
        "/lib/x86_64-linux-gnu/\($0)"
    }

    private static func files(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).map { "\(directory)/\($0)" }
    }

    private static func libraries(of programs: [String]) async throws -> [String] {
        let text = try await self.run("/usr/bin/ldd", programs)
        let paths = text.split(whereSeparator: { " \t\n".contains($0) }).map(String.init)
        return Set(paths.filter { $0.hasPrefix("/lib") && $0.contains(".so") }).sorted()
    }

    @discardableResult
    private static func run(_ program: String, _ arguments: [String]) async throws -> String {
        let environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"]
        return String(
            decoding: try await SpawnedProgram.output(of: program, arguments, environment: environment),
            as: UTF8.self
        )
    }
}
