/// Decides whom of a group to stop, and when the group is over.
struct ServiceGroupStateMachine: Sendable {
    enum State: Sendable, Equatable {
        /// Every service runs. Can transition to: `stopping` when asked, or when a service ends by itself.
        case running
        /// `asked` was told to stop, those before it were not yet. Can transition to:
        ///   - itself, when `asked` has ended and the one before it is told,
        ///   - `cancelled` when the drain timeout passes,
        ///   - `over` when the last has ended.
        case stopping(asked: Int)
        /// All were cancelled. Can transition to: `over`.
        case cancelled
        /// Final: nothing runs.
        case over
    }

    enum Action: Sendable, Equatable {
        case none
        /// Start the drain timer, if `startsTimer`, and tell this service to stop.
        case ask(Int, startsTimer: Bool)
        case cancelAll
        /// Nothing runs any more.
        case finish
    }

    private(set) var state: State = .running
    private var alive: Set<Int>

    init(count: Int) { self.alive = Set(0..<count) }

    /// The services that have not ended, in order of their start.
    var running: [Int] { self.alive.sorted() }

    /// Somebody wants the group to stop.
    mutating func shutdownRequested() -> Action {
        guard self.state == .running else { return .none }
        return self.askLast(startsTimer: true)
    }

    mutating func ended(_ service: Int) -> Action {
        self.alive.remove(service)
        switch self.state {
        case .running: return self.askLast(startsTimer: true)
        case .stopping(let asked) where !self.alive.isEmpty && asked != service: return .none
        case .stopping: return self.askLast(startsTimer: false)
        case .cancelled:
            guard self.alive.isEmpty else { return .none }
            self.state = .over
            return .finish
        case .over: return .none
        }
    }

    mutating func drainTimedOut() -> Action {
        guard case .stopping = self.state else { return .none }
        self.state = .cancelled
        return .cancelAll
    }

    /// The task that runs the group was cancelled, and with it every service.
    mutating func wasCancelled() -> Action {
        switch self.state {
        case .running, .stopping:
            self.state = self.alive.isEmpty ? .over : .cancelled
            return self.alive.isEmpty ? .finish : .cancelAll
        case .cancelled, .over: return .none
        }
    }

    private mutating func askLast(startsTimer: Bool) -> Action {
        guard let last = self.alive.max() else {
            self.state = .over
            return .finish
        }
        self.state = .stopping(asked: last)
        return .ask(last, startsTimer: startsTimer)
    }
}
