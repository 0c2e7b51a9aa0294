/// One running sandbox.
public protocol Sandbox: Sendable {
    var id: SandboxID { get }
    /// Names this incarnation: unique on the host, unchanged while it runs, another one after a restart.
    var handle: String { get }
    /// Who owns the files of `/workspace`; `nil` if that is whoever runs us.
    var fileOwner: FileOwner? { get }

    /// Runs one order and returns how it ended.
    ///
    /// One at a time is the caller's duty. Cancelling the task cancels the order: the report then says so, or how
    /// it ended just before.
    /// - Throws: ``RuntimeError/Code/busy``, ``RuntimeError/Code/invalidOrder``, and, as soon as the sandbox dies,
    ///   ``RuntimeError/Code/sandboxLost`` with the reason.
    func execute(_ order: ExecutionOrder) async throws(RuntimeError) -> ExecutionReport

    /// Ends an order, which then reports ``ExecutionReport/Outcome/cancelled``. One that does not run is ignored.
    func cancel(_ id: OrderID) async

    /// Changes the ceilings of a sandbox that runs: a warm one is given those of who claims it.
    ///
    /// - Throws: ``RuntimeError/Code/sandboxLost``, or ``RuntimeError/Code/unsupported`` with the limit that could
    ///   not be set (it already uses more, for one).
    func apply(_ limits: ResourceLimits) async throws(RuntimeError)

    /// Ends the sandbox. Returns when each of its processes is gone, and what the host kept for it is removed; its
    /// directory stays. May be called any number of times.
    func stop() async

    /// Suspends until the sandbox is dead, and says why. Returns at once if it is.
    ///
    /// - Throws: `CancellationError` if the task is cancelled; the sandbox is left alone.
    func ended() async throws(CancellationError) -> SandboxEnd
}

/// The owner that a sandbox's files have on the host.
public struct FileOwner: Sendable, Hashable {
    public var user: UInt32
    public var group: UInt32

    public init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }
}
