import Foundation

/// The executables under test.
public enum Programs {
    /// `SANDBOX_BIN_DIR`, else where the test bundle lies: it depends on them, so they were built together.
    public static let directory: String = {
        if let given = ProcessInfo.processInfo.environment["SANDBOX_BIN_DIR"], !given.isEmpty { return given }
        return Bundle.main.bundlePath
    }()

    public static var sandbox: String { "\(self.directory)/sandbox" }
    public static var agent: String { "\(self.directory)/sandbox-agent" }

    /// What a program of ours gets when a test adds nothing: no setting of whoever runs the tests.
    public static let environment = [
        "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
        "HOME": NSTemporaryDirectory(),
    ]

    public static var isRoot: Bool { geteuid() == 0 }
}
