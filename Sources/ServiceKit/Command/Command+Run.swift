import Glibc

extension Command {
    /// Exit status for a command line that makes no sense (`EX_USAGE`).
    public static let usageStatus: Int32 = 64

    /// Parses the words after the program's name, runs what they ask for, and returns the exit status.
    ///
    /// Help goes to standard output; errors go to standard error, with status 64 for a wrong command line and 1 for what
    /// an action throws.
    public func run(_ words: [String]) async -> Int32 {
        await self.run(words, output: { Self.write($0, to: 1) }, errors: { Self.write($0, to: 2) })
    }

    /// As ``run(_:)``, with the texts going to closures.
    public func run(
        _ words: [String],
        output: @Sendable (String) -> Void,
        errors: @Sendable (String) -> Void
    ) async -> Int32 {
        switch CommandParser.parse(words, of: self) {
        case .show(let text):
            output(text)
            return 0
        case .wrong(let error, let path):
            errors(Self.describe(error, path))
            return Self.usageStatus
        case .run(let action, let arguments):
            do {
                return try await action(arguments)
            } catch let error as UsageError {
                errors(Self.describe(error, arguments.path))
                return Self.usageStatus
            } catch {
                errors("error: \(error)\n")
                return 1
            }
        }
    }

    private static func describe(_ error: UsageError, _ path: [String]) -> String {
        "error: \(error.message)\nTry \"\(path.joined(separator: " ")) --help\".\n"
    }

    /// Writes all of the text to a descriptor of the terminal, on the calling thread. A closed one is no error: nobody reads.
    static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                if count < 0, errno != EINTR { return }
                offset += max(count, 0)
            }
        }
    }
}
