import Glibc

/// Ends a process that was asked to stop and does not: what it has promised is on disk, and the next start goes on.
public final class ShutdownDeadline: Sendable {
    private enum State: Sendable {
        /// Can transition to: `running`, `over`.
        case idle
        /// Can transition to: `over`.
        case running
        /// The process has stopped by itself. Final.
        case over
    }

    private let limit: Duration
    private let logger: Logger
    private let end: (@Sendable () -> Void)?
    private let state = Monitor(State.idle)

    /// The exit status of a process that was cut off: `EX_SOFTWARE`.
    public static let status: Int32 = 70

    /// - Parameters:
    ///   - drainTimeout: That of the group, counted from ``start()``: then its services are cancelled.
    ///   - grace: Time after that for what is cancelled, and closed last. Defaults to 5 s.
    ///   - end: Called on a thread of its own when the time is over, in place of the end of the process.
    public init(
        drainTimeout: Duration,
        grace: Duration = .seconds(5),
        logger: Logger,
        end: (@Sendable () -> Void)? = nil
    ) {
        self.limit = drainTimeout + grace
        self.logger = logger
        self.end = end
    }

    /// The stop begins. Further calls do nothing.
    public func start() {
        let isFirst = self.state.withLock { state in
            guard case .idle = state else { return false }
            state = .running
            return true
        }
        guard isFirst else { return }
        do {
            try DedicatedThread.start(name: "shutdown-limit") { [self] in
                let isOver: Void? = self.state.wait(for: self.limit) { if case .over = $0 { () } else { nil } }
                guard isOver == nil else { return }
                self.logger.critical("The stop takes too long; ending without it")
                self.logger.flush()
                if let end = self.end { end() } else { _exit(Self.status) }
            }
        } catch {
            // Then whoever stops the process has to end it.
            self.logger.error("No thread watches over the stop", metadata: ["error": "\(error)"])
        }
    }

    /// The stop is over, or is not watched any more.
    public func cancel() {
        self.state.withLock { $0 = .over }
        self.state.broadcast()
    }
}
