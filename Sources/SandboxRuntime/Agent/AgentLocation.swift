internal import Foundation

/// Where the program `sandbox-agent` is looked for.
public enum AgentLocation {
    /// In the folder of the program that runs.
    public static var besideProgram: String {
        // Without /proc there is no sandbox either; the runtime then says what is missing.
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/usr/bin/"
        return (program as NSString).deletingLastPathComponent + "/sandbox-agent"
    }
}
