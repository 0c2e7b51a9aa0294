import Messages

/// Names one attempt of an execution within a node.
struct AttemptKey: Hashable, Sendable {
    var execution: ExecutionID
    var attempt: Int
}

/// Decides what happens to the sandbox of one session on this node.
///
/// It runs one order at a time, in order of arrival; the dispatcher sees to that as well, this is the second lock. A
/// sandbox that dies is replaced over the same files: at once if it died at work, else by the next order.
struct SessionSlotStateMachine<Handle: Sendable>: Sendable {
    enum State: Sendable {
        /// The first sandbox is being claimed or started; orders wait for it. Can transition to:
        ///   - `ready`, or `executing` if an order waits, when it runs,
        ///   - `ended` when it cannot be had,
        ///   - `ending` when the session is ended meanwhile.
        case starting(waiting: [AttemptKey])
        /// A sandbox waits for an order. Can transition to: `executing`, `ending`, and `dormant` when it dies.
        case ready(Handle)
        /// `current` runs, `waiting` come after it. Can transition to: `ready`, `restarting` when the sandbox dies,
        /// `ending`.
        case executing(Handle, current: AttemptKey, waiting: [AttemptKey])
        /// The sandbox died with nothing to do; its files are there. Can transition to: `restarting` by the next order,
        /// `ending`.
        case dormant
        /// Another sandbox is started over the files. Can transition to: as `starting`.
        case restarting(waiting: [AttemptKey])
        /// The sandbox is stopped, or will be as soon as it has started. Can transition to: `ended`.
        case ending(removesFiles: Bool)
        /// Final: nothing of the session is on this node but, possibly, its files.
        case ended
    }

    enum AdmitAction: Sendable {
        case run(Handle)
        /// Its turn comes, or it is refused.
        case wait
        /// As `wait`; the supervisor, which rests, is to start a sandbox.
        case wakeAndWait
        case refuse
    }

    enum StartedAction: Sendable {
        /// Announce it, if it is the first.
        case ready
        /// As `ready`, and it is the turn of this order.
        case run(AttemptKey)
        /// Stop it again: the session has been ended.
        case discard(removesFiles: Bool)
    }

    enum StartFailedAction: Sendable, Equatable {
        /// The session never ran here.
        case fail(waiting: [AttemptKey])
        /// The session ran here and does no more.
        case exit(waiting: [AttemptKey])
        case discard(removesFiles: Bool)
    }

    enum FinishedAction: Sendable {
        case none
        /// It is the turn of this order.
        case run(AttemptKey, Handle)
    }

    enum SupervisorAction: Sendable, Equatable {
        /// Start another sandbox over the files.
        case restart
        /// Suspend until the session is woken.
        case rest
        /// The session has been ended, the sandbox is gone.
        case leave(removesFiles: Bool)
    }

    enum EndAction: Sendable {
        case none
        /// Stop it; its supervisor does the rest.
        case stop(Handle, refused: [AttemptKey])
        /// The supervisor finds out when the start is over.
        case refuse([AttemptKey])
        /// The supervisor rests, and is to leave.
        case wake
    }

    enum CancelAction: Sendable {
        case none
        /// It waited, and never starts.
        case refuse
        case cancel(Handle)
    }

    private(set) var state: State = .starting(waiting: [])

    /// An order has come.
    mutating func admit(_ key: AttemptKey) -> AdmitAction {
        switch self.state {
        case .starting(let waiting):
            self.state = .starting(waiting: waiting + [key])
            return .wait
        case .restarting(let waiting):
            self.state = .restarting(waiting: waiting + [key])
            return .wait
        case .ready(let handle):
            self.state = .executing(handle, current: key, waiting: [])
            return .run(handle)
        case .executing(let handle, let current, let waiting):
            self.state = .executing(handle, current: current, waiting: waiting + [key])
            return .wait
        case .dormant:
            self.state = .restarting(waiting: [key])
            return .wakeAndWait
        case .ending, .ended:
            return .refuse
        }
    }

    /// The sandbox that was being started runs.
    mutating func started(_ handle: Handle) -> StartedAction {
        switch self.state {
        case .starting(let waiting), .restarting(let waiting):
            guard let first = waiting.first else {
                self.state = .ready(handle)
                return .ready
            }
            self.state = .executing(handle, current: first, waiting: Array(waiting.dropFirst()))
            return .run(first)
        case .ending(let removesFiles):
            self.state = .ended
            return .discard(removesFiles: removesFiles)
        case .ready, .executing, .dormant, .ended:
            // Not asked for: there is one supervisor, and it starts one at a time.
            return .discard(removesFiles: false)
        }
    }

    /// The sandbox that was being started cannot be had.
    mutating func startFailed() -> StartFailedAction {
        defer { self.state = .ended }
        switch self.state {
        case .starting(let waiting): return .fail(waiting: waiting)
        case .restarting(let waiting): return .exit(waiting: waiting)
        case .ending(let removesFiles): return .discard(removesFiles: removesFiles)
        case .ready, .executing, .dormant, .ended: return .discard(removesFiles: false)
        }
    }

    /// The order that ran has ended, one way or the other.
    mutating func finished(_ key: AttemptKey, isSandboxLost: Bool) -> FinishedAction {
        // Anything else: its sandbox died, or the session was ended, before it knew.
        guard case .executing(let handle, key, let waiting) = self.state else { return .none }
        if isSandboxLost {
            self.state = .restarting(waiting: waiting)
            return .none
        }
        guard let next = waiting.first else {
            self.state = .ready(handle)
            return .none
        }
        self.state = .executing(handle, current: next, waiting: Array(waiting.dropFirst()))
        return .run(next, handle)
    }

    /// The sandbox that ran is dead.
    mutating func sandboxEnded() -> SupervisorAction {
        switch self.state {
        case .ready, .starting, .dormant:
            self.state = .dormant
            return .rest
        case .executing(_, _, let waiting):
            self.state = .restarting(waiting: waiting)
            return .restart
        case .restarting:
            return .restart
        case .ending(let removesFiles):
            self.state = .ended
            return .leave(removesFiles: removesFiles)
        case .ended:
            return .leave(removesFiles: false)
        }
    }

    /// The resting supervisor was woken.
    mutating func woken() -> SupervisorAction {
        switch self.state {
        case .restarting: return .restart
        case .ending(let removesFiles):
            self.state = .ended
            return .leave(removesFiles: removesFiles)
        case .ended: return .leave(removesFiles: false)
        case .starting, .ready, .executing, .dormant: return .rest
        }
    }

    /// The session is to end here.
    ///
    /// - Parameter removesFiles: `false` at shutdown. Once `true`, it stays so.
    mutating func end(removesFiles: Bool) -> EndAction {
        switch self.state {
        case .starting(let waiting), .restarting(let waiting):
            self.state = .ending(removesFiles: removesFiles)
            return .refuse(waiting)
        case .ready(let handle):
            self.state = .ending(removesFiles: removesFiles)
            return .stop(handle, refused: [])
        case .executing(let handle, _, let waiting):
            self.state = .ending(removesFiles: removesFiles)
            return .stop(handle, refused: waiting)
        case .dormant:
            self.state = .ending(removesFiles: removesFiles)
            return .wake
        case .ending(let removed):
            self.state = .ending(removesFiles: removed || removesFiles)
            return .none
        case .ended:
            return .none
        }
    }

    /// An order is not wanted any more.
    mutating func cancel(_ key: AttemptKey) -> CancelAction {
        switch self.state {
        case .starting(let waiting) where waiting.contains(key):
            self.state = .starting(waiting: waiting.filter { $0 != key })
            return .refuse
        case .restarting(let waiting) where waiting.contains(key):
            self.state = .restarting(waiting: waiting.filter { $0 != key })
            return .refuse
        case .executing(let handle, key, _):
            return .cancel(handle)
        case .executing(let handle, let current, let waiting) where waiting.contains(key):
            self.state = .executing(handle, current: current, waiting: waiting.filter { $0 != key })
            return .refuse
        default:
            return .none
        }
    }

    /// Whether the session counts as being on this node.
    var isAlive: Bool {
        switch self.state {
        case .starting, .ready, .executing, .dormant, .restarting: true
        case .ending, .ended: false
        }
    }

    /// Whether the session was ready once and is alive.
    var isAnnounced: Bool {
        switch self.state {
        case .ready, .executing, .dormant, .restarting: true
        case .starting, .ending, .ended: false
        }
    }
}
