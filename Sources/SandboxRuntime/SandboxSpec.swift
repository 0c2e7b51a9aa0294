/// What a sandbox is made from.
public struct SandboxSpec: Sendable, Equatable {
    public var id: SandboxID
    /// A name that the runtime resolves, as a template gives it.
    public var image: String
    /// `python3.11`, `nodejs20`, …: what the template calls its language.
    public var runtimeType: String
    public var limits: ResourceLimits
    /// Languages whose interpreter waits ready. Others start when they are first asked for. Defaults to Python.
    public var warmLanguages: Set<CodeLanguage>
    /// Whether code reaches the host's network. Defaults to no: loopback only.
    public var hasNetwork: Bool
    /// Absolute path of the sandbox's own folder. `workspace` and `tmp` in it are made if missing, and outlive the
    /// sandbox: whoever gave the folder removes it.
    public var directory: String

    public init(
        id: SandboxID,
        image: String,
        runtimeType: String = "python3.11",
        limits: ResourceLimits = ResourceLimits(),
        warmLanguages: Set<CodeLanguage> = [.python],
        hasNetwork: Bool = false,
        directory: String
    ) {
        self.id = id
        self.image = image
        self.runtimeType = runtimeType
        self.limits = limits
        self.warmLanguages = warmLanguages
        self.hasNetwork = hasNetwork
        self.directory = directory
    }

    /// Where `/workspace` is on this host.
    public var workspacePath: String { "\(self.directory)/workspace" }
    /// Where `/tmp` is on this host.
    public var temporaryPath: String { "\(self.directory)/tmp" }
}
