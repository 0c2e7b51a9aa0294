/// Starts sandboxes on this host.
///
/// What every implementation must honour is written once, as executable clauses, in `SandboxRuntimeContract`.
public protocol SandboxRuntime: Sendable {
    /// `bubblewrap`, `docker`: for logs and health.
    var name: String { get }

    /// What is really in force here: found with one trial sandbox, then remembered.
    func capabilities() async -> RuntimeCapabilities

    /// Checks that an image can be used.
    ///
    /// - Throws: ``RuntimeError/Code/unknownImage``; its message names those that are known.
    func resolve(image: String) throws(RuntimeError)

    /// Starts a sandbox and returns when its agent is ready for an order.
    ///
    /// If it throws, or the task is cancelled, nothing of the sandbox is left but its directory.
    /// - Throws: ``RuntimeError/Code/unknownImage``, ``RuntimeError/Code/invalidSpec`` (an id that already runs, for
    ///   one), ``RuntimeError/Code/unavailable``, ``RuntimeError/Code/startFailed``,
    ///   ``RuntimeError/Code/startTimedOut``, ``RuntimeError/Code/exhausted``, ``RuntimeError/Code/cancelled``.
    func start(_ spec: SandboxSpec) async throws(RuntimeError) -> any Sandbox

    /// Takes over what already runs, after a restart of ours. Empty where sandboxes end with the process.
    func recover() async -> [any Sandbox]

    /// Ends what bears our mark, and belongs neither to a living instance nor to one of `known`.
    ///
    /// Never touches a sandbox's directory.
    func removeLeftovers(keeping known: Set<SandboxID>) async -> LeftoverReport

    /// Stops every sandbox, and what the runtime itself runs; after that ``start(_:)`` throws
    /// ``RuntimeError/Code/unavailable``. May be called again.
    func shutDown() async
}

/// What ``SandboxRuntime/removeLeftovers(keeping:)`` found.
public struct LeftoverReport: Sendable, Equatable {
    public var processesKilled: Int
    /// Control groups or containers.
    public var groupsRemoved: Int
    /// What could not be removed, and why; it is tried again next time.
    public var failures: [String]

    public init(processesKilled: Int = 0, groupsRemoved: Int = 0, failures: [String] = []) {
        self.processesKilled = processesKilled
        self.groupsRemoved = groupsRemoved
        self.failures = failures
    }
}
