import Messages
import SandboxRuntime
import ServiceKit

/// Every session of the node and every attempt whose end is not yet published.
///
/// A value behind one lock: its methods decide, and return what the caller does when the lock is released.
struct SessionTable: Sendable {
    /// What its executions need to know of a session.
    struct Context: Sendable {
        /// The template's variables, then the session's: later ones win.
        var environment: [(name: String, value: String)]
        var resources: Resources
    }

    struct Slot: Sendable {
        let spec: SessionSpec
        let context: Context
        var container: ContainerID?
        /// Known once a sandbox has run.
        var fileOwner: FileOwner??
        var machine = SessionSlotStateMachine<any Sandbox>()
        /// Wakes the supervisor when it rests; another one for each rest.
        var wake = Signal()

        var reference: SessionReference {
            SessionReference(session: self.spec.id, incarnation: self.spec.incarnation, container: self.container)
        }
    }

    struct Order: Sendable {
        let reference: ExecutionReference
        let incarnation: Incarnation
        /// Present once it had to wait.
        var turn: Turn?
        var isCancelled = false
    }

    enum EnsureAction: Sendable {
        case supervise
        /// It is there: say so again.
        case announce(SessionReference)
        /// Its start is under way, and will be answered.
        case none
        case refuse(SessionReference, Problem)
    }

    enum RegisterAction: Sendable {
        case accept(Context)
        /// The same attempt is here already, or was.
        case ignore
        case unknownSession
    }

    enum Admission: Sendable {
        case run(any Sandbox)
        case wait(Turn, waking: Signal?)
        case refused(Refusal)
    }

    /// A turn that has come, or not, to be given outside of the lock.
    struct Grant: Sendable {
        var turn: Turn
        var answer: Turn.Answer
    }

    let maxSessions: Int
    private(set) var slots: [Incarnation: Slot] = [:]
    private(set) var orders: [AttemptKey: Order] = [:]
    /// Containers that a slot has, or whose folder is being removed.
    private var owners: [ContainerID: Incarnation] = [:]
    private var recentEnds = RecentEnds()
    private var settled: Signal?
    private(set) var isShutDown = false

    init(maxSessions: Int) {
        self.maxSessions = maxSessions
    }

    // MARK: Sessions

    mutating func ensure(_ spec: SessionSpec, container: ContainerID?) -> EnsureAction {
        let reference = SessionReference(session: spec.id, incarnation: spec.incarnation, container: container)
        if let slot = self.slots[spec.incarnation] {
            if slot.machine.isAnnounced { return .announce(slot.reference) }
            if slot.machine.isAlive { return .none }
            return .refuse(reference, Problem("session_ended", "the session is being ended on its node"))
        }
        if self.isShutDown {
            return .refuse(reference, Problem("node_unavailable", "the worker node is shutting down"))
        }
        guard self.slots.count < self.maxSessions else {
            let message = "the worker node holds \(self.slots.count) sessions, as many as MAX_SANDBOXES allows"
            return .refuse(reference, Problem("no_capacity", message))
        }
        if let container, self.owners[container] != nil {
            return .refuse(reference, Problem("start_failed", "the container \(container) belongs to another session"))
        }
        let environments = [spec.templateEnvironment, spec.environment]
        self.slots[spec.incarnation] = Slot(
            spec: spec,
            context: Context(
                environment: environments.flatMap { $0.map { (name: $0.key, value: $0.value) } },
                resources: spec.resources
            ),
            container: container
        )
        if let container { self.owners[container] = spec.incarnation }
        return .supervise
    }

    /// Gives a session its container; its folder is the session's from here on.
    mutating func adopt(_ container: ContainerID, by incarnation: Incarnation) {
        guard self.slots[incarnation] != nil else { return }
        self.slots[incarnation]?.container = container
        self.owners[container] = incarnation
    }

    /// Takes a container back from a session that did not get it in the end.
    mutating func disown(_ container: ContainerID, by incarnation: Incarnation) {
        guard self.owners[container] == incarnation else { return }
        self.owners[container] = nil
        self.slots[incarnation]?.container = nil
    }

    mutating func started(
        _ incarnation: Incarnation,
        _ sandbox: any Sandbox
    ) -> (action: SessionSlotStateMachine<any Sandbox>.StartedAction, grant: Grant?) {
        guard let action = self.slots[incarnation]?.machine.started(sandbox) else {
            return (.discard(removesFiles: false), nil)
        }
        self.slots[incarnation]?.fileOwner = .some(sandbox.fileOwner)
        guard case .run(let key) = action else { return (action, nil) }
        return (action, self.grant(key, .run(sandbox)))
    }

    mutating func startFailed(
        _ incarnation: Incarnation,
        reason: String
    ) -> (action: SessionSlotStateMachine<any Sandbox>.StartFailedAction, grants: [Grant]) {
        guard let action = self.slots[incarnation]?.machine.startFailed() else {
            return (.discard(removesFiles: false), [])
        }
        switch action {
        case .fail(let waiting), .exit(let waiting):
            return (action, waiting.compactMap { self.grant($0, .refused(.noSandbox(reason: reason))) })
        case .discard:
            return (action, [])
        }
    }

    mutating func sandboxEnded(_ incarnation: Incarnation) -> SessionSlotStateMachine<any Sandbox>.SupervisorAction {
        guard let action = self.slots[incarnation]?.machine.sandboxEnded() else { return .leave(removesFiles: false) }
        return action
    }

    mutating func woken(_ incarnation: Incarnation) -> SessionSlotStateMachine<any Sandbox>.SupervisorAction {
        self.slots[incarnation]?.wake = Signal()
        return self.slots[incarnation]?.machine.woken() ?? .leave(removesFiles: false)
    }

    /// Ends a session. The grants are to be given, then the sandbox stopped, then the supervisor woken.
    mutating func end(
        _ incarnation: Incarnation,
        removesFiles: Bool
    ) -> (sandbox: (any Sandbox)?, wake: Signal?, grants: [Grant])? {
        guard let wake = self.slots[incarnation]?.wake,
            let action = self.slots[incarnation]?.machine.end(removesFiles: removesFiles)
        else { return nil }
        let refusal = Turn.Answer.refused(self.isShutDown ? .shutDown : .sessionEnded)
        switch action {
        case .none: return (nil, nil, [])
        case .wake: return (nil, wake, [])
        case .refuse(let waiting): return (nil, nil, waiting.compactMap { self.grant($0, refusal) })
        case .stop(let sandbox, let refused): return (sandbox, nil, refused.compactMap { self.grant($0, refusal) })
        }
    }

    /// Forgets a session whose supervisor leaves.
    ///
    /// - Parameter keepsContainer: Its container stays owned until ``release(_:)``, while the folder is removed.
    mutating func remove(_ incarnation: Incarnation, keepsContainer: Bool) -> ContainerID? {
        guard let container = self.slots.removeValue(forKey: incarnation)?.container else { return nil }
        if !keepsContainer { self.owners[container] = nil }
        return container
    }

    /// Takes a container that nobody has, to remove its folder. Returns whether that was so.
    mutating func seize(_ container: ContainerID, for incarnation: Incarnation) -> Bool {
        guard self.owners[container] == nil else { return false }
        self.owners[container] = incarnation
        return true
    }

    /// The container's folder is gone, or nobody's.
    mutating func release(_ container: ContainerID) { self.owners[container] = nil }

    /// Takes nothing more; what runs goes on.
    mutating func shutDown() { self.isShutDown = true }

    // MARK: Orders

    mutating func register(_ spec: ExecutionSpec, attempt: Int) -> RegisterAction {
        let key = AttemptKey(execution: spec.id, attempt: attempt)
        guard self.orders[key] == nil, !self.recentEnds.contains(key) else { return .ignore }
        guard let slot = self.slots[spec.incarnation], slot.machine.isAlive else { return .unknownSession }
        self.orders[key] = Order(
            reference: ExecutionReference(execution: spec.id, session: spec.session, attempt: attempt),
            incarnation: spec.incarnation
        )
        return .accept(slot.context)
    }

    mutating func admit(_ key: AttemptKey) -> Admission {
        guard let order = self.orders[key] else { return .refused(.sessionEnded) }
        guard !order.isCancelled else { return .refused(.cancelled) }
        guard let action = self.slots[order.incarnation]?.machine.admit(key) else { return .refused(.sessionEnded) }
        switch action {
        case .run(let sandbox): return .run(sandbox)
        case .refuse: return .refused(self.isShutDown ? .shutDown : .sessionEnded)
        case .wait, .wakeAndWait:
            let turn = Turn()
            self.orders[key]?.turn = turn
            if case .wakeAndWait = action { return .wait(turn, waking: self.slots[order.incarnation]?.wake) }
            return .wait(turn, waking: nil)
        }
    }

    /// What is to be known of an order at its end.
    struct Ending: Sendable {
        /// The order whose turn it is.
        var next: Grant?
        var isCancelled: Bool
        var interruption: OutcomeMapper.Interruption?
    }

    /// The order has ended; its end is yet to be published.
    mutating func finished(_ key: AttemptKey, isSandboxLost: Bool) -> Ending {
        guard let order = self.orders[key] else { return Ending(isCancelled: false) }
        var ending = Ending(isCancelled: order.isCancelled)
        switch self.slots[order.incarnation]?.machine.state {
        case .ending(let removesFiles)?: ending.interruption = removesFiles ? .sessionEnded : .shutDown
        case nil, .ended?: ending.interruption = self.isShutDown ? .shutDown : .sessionEnded
        default: break
        }
        let action = self.slots[order.incarnation]?.machine.finished(key, isSandboxLost: isSandboxLost)
        if case .run(let next, let sandbox)? = action { ending.next = self.grant(next, .run(sandbox)) }
        return ending
    }

    /// The order's end, or that it never started, is on the log. The caller fires the signal.
    mutating func published(_ key: AttemptKey) -> Signal? {
        guard self.orders.removeValue(forKey: key) != nil else { return nil }
        self.recentEnds.insert(key)
        return self.takeSettled()
    }

    /// Its end cannot be published: a question about it is answered as for one that is lost.
    mutating func abandoned(_ key: AttemptKey) -> Signal? {
        self.orders[key] = nil
        return self.takeSettled()
    }

    /// Fires when no order is left; `nil` if none is.
    mutating func settledSignal() -> Signal? {
        guard !self.orders.isEmpty else { return nil }
        let signal = self.settled ?? Signal()
        self.settled = signal
        return signal
    }

    private mutating func takeSettled() -> Signal? {
        guard self.settled != nil, self.orders.isEmpty else { return nil }
        defer { self.settled = nil }
        return self.settled
    }

    enum CancelAction: Sendable {
        case none
        case unknown
        case give(Grant)
        case cancel(any Sandbox, AttemptKey, Turn?)
    }

    /// - Parameter reference: Attempt 0 means each one that is here.
    mutating func cancel(_ reference: ExecutionReference) -> [CancelAction] {
        let keys =
            reference.attempt != 0
            ? [AttemptKey(execution: reference.execution, attempt: reference.attempt)]
            : self.orders.keys.filter { $0.execution == reference.execution }
        return keys.map { key in
            guard let order = self.orders[key] else { return self.recentEnds.contains(key) ? .none : .unknown }
            self.orders[key]?.isCancelled = true
            switch self.slots[order.incarnation]?.machine.cancel(key) {
            case .refuse?: return self.grant(key, .refused(.cancelled)).map(CancelAction.give) ?? .none
            case .cancel(let sandbox)?: return .cancel(sandbox, key, order.turn)
            case .some(.none), nil: return .none
            }
        }
    }

    /// Whether the node runs the attempt, has yet to publish its end, or has published it lately.
    func knows(_ reference: ExecutionReference) -> Bool {
        let key = AttemptKey(execution: reference.execution, attempt: reference.attempt)
        return self.orders[key] != nil || self.recentEnds.contains(key)
    }

    private func grant(_ key: AttemptKey, _ answer: Turn.Answer) -> Grant? {
        self.orders[key]?.turn.map { Grant(turn: $0, answer: answer) }
    }

    // MARK: What is there

    /// The session that owns the files of a container and is alive.
    func owner(of container: ContainerID) -> Slot? {
        guard let incarnation = self.owners[container], let slot = self.slots[incarnation], slot.machine.isAlive else {
            return nil
        }
        return slot
    }

    /// Whether a session has the container, or its folder is being removed.
    func isOwned(_ container: ContainerID) -> Bool { self.owners[container] != nil }

    var ownedContainers: Set<ContainerID> { Set(self.owners.keys) }
}
