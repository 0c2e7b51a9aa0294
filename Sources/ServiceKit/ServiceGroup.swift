public import Glibc

/// Runs services that depend on one another, and stops them in reverse.
///
/// List them in order of dependency. The last is asked to stop first, the one before it when that has returned; after the
/// drain timeout all that still run are cancelled. A service that returns unasked or throws stops the others, and
/// ``run()`` throws.
public final class ServiceGroup: Service {
    private let services: [any Service]
    private let drainTimeout: Duration
    private let signals: [Int32]
    private let deadline: ShutdownDeadline?
    private let logger: Logger
    private let request = Signal()

    /// - Parameters:
    ///   - drainTimeout: Time for all services together to stop once asked, before they are cancelled. Defaults to 30 s.
    ///   - signals: Each asks the group to stop; a second one ends the process with status 128 + signal. Only one group
    ///     of a process should take any. Defaults to SIGTERM and SIGINT.
    ///   - deadline: Is started when the stop begins. Whoever gives it cancels it when all is over. Defaults to none.
    public init(
        _ services: [any Service],
        drainTimeout: Duration = .seconds(30),
        signals: [Int32] = [SIGTERM, SIGINT],
        deadline: ShutdownDeadline? = nil,
        logger: Logger
    ) {
        self.services = services
        self.drainTimeout = drainTimeout
        self.signals = signals
        self.deadline = deadline
        self.logger = logger
    }

    /// Asks the group to stop, as a signal would. Returns at once; may be called from any thread, also before ``run()``.
    public func shutDown() { self.request.fire() }

    /// Runs the services until all have ended.
    ///
    /// Call it once.
    /// - Throws: What the first failing service threw; ``ServiceGroupError`` if one returned unasked; `CancellationError`
    ///   if the calling task was cancelled.
    public func run() async throws {
        // A signal that came before its source exists would end the process, or be lost: services start after this.
        let sources = await SignalSources.install(self.signals) { [request, logger] signal in
            guard !request.isFired else { _exit(128 + signal) }
            logger.info("Signal received; shutting down", metadata: ["signal": "\(signal)"])
            request.fire()
        }
        defer { sources.cancel() }
        let failure: (any Error)? = await withTaskGroup(of: Event.self) { tasks in
            var loop = Loop(requests: self.services.map { _ in Signal() })
            for (index, service) in self.services.enumerated() {
                let asked = loop.requests[index]
                tasks.addTask { await Event.running(service, index, until: asked) }
            }
            tasks.addTask { [request] in await Event.waiting(.asked) { try await request.wait() } }
            // A group inside of a group is asked by the outer one.
            tasks.addTask { await Event.waiting(.asked) { try await gracefulShutdown() } }
            while let event = await tasks.next(), self.handle(event, &loop, &tasks) {}
            tasks.cancelAll()
            return loop.failure
        }
        if let failure { throw failure }
    }

    private enum Event: Sendable {
        case asked
        case drainTimedOut
        case cancelled
        case ended(Int, (any Error)?)

        static func running(_ service: any Service, _ index: Int, until asked: Signal) async -> Event {
            do {
                try await ShutdownRequest.$current.withValue(asked) { try await service.run() }
                return .ended(index, nil)
            } catch {
                return .ended(index, error)
            }
        }

        static func waiting(_ event: Event, _ body: () async throws -> Void) async -> Event {
            // Nothing but cancellation is thrown by what is waited for.
            do { try await body() } catch { return .cancelled }
            return event
        }
    }

    private struct Loop {
        /// One for each service: fires when it is asked to stop.
        let requests: [Signal]
        var machine: ServiceGroupStateMachine
        var failure: (any Error)?
        var isDrainOver = false

        init(requests: [Signal]) {
            self.requests = requests
            self.machine = ServiceGroupStateMachine(count: requests.count)
        }
    }

    /// Returns whether anything is left to wait for.
    private func handle(_ event: Event, _ loop: inout Loop, _ tasks: inout TaskGroup<Event>) -> Bool {
        if tasks.isCancelled, !loop.isDrainOver {
            // Not by us: the task that runs the group was cancelled, and every service with it.
            if loop.failure == nil { loop.failure = CancellationError() }
            if loop.machine.wasCancelled() == .finish { return false }
        }
        let action: ServiceGroupStateMachine.Action
        switch event {
        case .asked: action = loop.machine.shutdownRequested()
        case .cancelled: action = .none
        case .drainTimedOut:
            loop.isDrainOver = true
            action = loop.machine.drainTimedOut()
        case .ended(let index, let error):
            self.note(error, of: index, &loop)
            action = loop.machine.ended(index)
        }
        switch action {
        case .none: return true
        case .finish: return false
        case .cancelAll:
            let names = loop.machine.running.map(self.name).joined(separator: ", ")
            self.logger.warning("Services did not stop in time; cancelling them", metadata: ["services": names])
            tasks.cancelAll()
        case .ask(let index, let startsTimer):
            self.logger.debug("Stopping service", metadata: ["service": self.name(index)])
            loop.requests[index].fire()
            guard startsTimer else { return true }
            self.deadline?.start()
            let timeout = self.drainTimeout
            tasks.addTask { await Event.waiting(.drainTimedOut) { try await Task.sleep(for: timeout) } }
        }
        return true
    }

    private func note(_ error: (any Error)?, of index: Int, _ loop: inout Loop) {
        let name = self.name(index)
        switch (error, loop.machine.state) {
        case (let error?, .running), (let error?, .stopping):
            self.logger.error("Service failed", metadata: ["service": name, "error": "\(error)"])
            if loop.failure == nil { loop.failure = error }
        case (nil, .running):
            self.logger.error("Service ended unasked", metadata: ["service": name])
            loop.failure = ServiceGroupError(.endedUnasked, "\(name) returned though nobody asked it to stop")
        default:
            // Ended as asked; what a cancelled service throws is its answer to that.
            self.logger.debug("Service stopped", metadata: ["service": name])
        }
    }

    private func name(_ index: Int) -> String { "\(type(of: self.services[index]))" }
}
