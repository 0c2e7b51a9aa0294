import Glibc

/// The program `sandbox-agent`.
public enum SandboxAgent {
    /// Serves the host until the end.
    ///
    /// - Parameter arguments: The program's. `sandbox-agent --fd NUMBER`: on an inherited socket, with which it ends.
    ///   `sandbox-agent --connect PATH PATIENCE`: on the socket at that path, to which it connects again when the host
    ///   has gone; it ends when none has come for so many seconds.
    /// - Returns: The exit code: 0 after a shutdown or the end of the host, 64 for wrong arguments, 70 for a failure, which
    ///   is also written to standard error.
    public static func run(arguments: [String]) -> Int32 {
        guard let address = HostAddress(arguments: arguments.dropFirst()) else {
            self.complain(
                """
                usage: sandbox-agent --fd NUMBER (a socket to the host, inherited)
                       sandbox-agent --connect PATH PATIENCE (a socket to the host; seconds to wait for it)
                """
            )
            return 64
        }
        do {
            try Agent(address: address).run()
            return 0
        } catch  where error.code == .hostGone {
            if address.isLasting { self.complain("sandbox-agent: \(error.message)") }
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
