import Glibc

/// The program `sandbox-agent`.
public enum SandboxAgent {
    /// Serves the host on the inherited socket until the end.
    ///
    /// - Parameter arguments: The program's: `sandbox-agent --fd NUMBER`.
    /// - Returns: The exit code: 0 after a shutdown or the end of the host, 64 for wrong arguments, 70 for a failure, which
    ///   is also written to standard error.
    public static func run(arguments: [String]) -> Int32 {
        guard arguments.count == 3, arguments[1] == "--fd", let number = Int32(arguments[2]), number > 2 else {
            self.complain("usage: sandbox-agent --fd NUMBER (a socket to the host, inherited)")
            return 64
        }
        do {
            try Agent(socket: Descriptor(number)).run()
            return 0
        } catch  where error.code == .hostGone {
            return 0
        } catch {
            self.complain("sandbox-agent: \(error.message)")
            return 70
        }
    }

    private static func complain(_ line: String) {
        let text = line + "\n"
        _ = text.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
    }
}
