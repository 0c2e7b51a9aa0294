import AgentProtocol
import CSystem
import Glibc

/// PID 1 of a sandbox: runs what its host asks for, one execution at a time, on one thread.
///
/// Everything happens in ``run()``, which waits for all descriptors at once. It never waits for a single process: what
/// does not die or answer in time is ended by its deadline.
final class Agent {
    private let address: HostAddress
    private(set) var host: HostConnection
    let scratch: UnsafeMutableRawBufferPointer
    let childSignals: Descriptor
    var machine = AgentStateMachine()
    var interpreters: Interpreters?
    var running: RunningExecution?
    /// The process of the last execution, killed and not yet gone: the next code starts after that, but its process is
    /// made meanwhile.
    var dying: (pid: Int32, deadline: Int64)?

    /// - Parameter address: Where the host is, which is connected to.
    init(address: HostAddress) throws(AgentError) {
        let prepared = csa_prepare(address.isLasting ? 0 : 1)
        guard prepared == 0 else { throw AgentError(errno: -prepared, in: "preparing the agent's own process") }
        let signals = csa_open_child_signals()
        guard signals >= 0 else { throw AgentError(errno: -signals, in: "watching for ends of processes") }
        self.childSignals = Descriptor(signals)
        self.scratch = .allocate(byteCount: 1 << 16, alignment: 16)
        self.address = address
        self.host = HostConnection(socket: try address.connect(), scratch: self.scratch)
    }

    deinit { self.scratch.deallocate() }

    /// Serves the host until that asks for the end.
    ///
    /// - Throws: ``AgentError``, when the host has gone or the agent can be of no more use; a host that is there is told.
    func run() throws(AgentError) {
        while try self.serveOneHost() {}
    }

    /// Returns whether another host may come.
    private func serveOneHost() throws(AgentError) -> Bool {
        do {
            try self.serve()
            return false
        } catch {
            if error.code == .hostGone, self.address.isLasting {
                try self.awaitNextHost()
                return true
            }
            // That the host cannot be told either changes nothing: it sees the end of the connection.
            if error.code != .hostGone { try? self.host.send(.fault(error.message)) }
            throw error
        }
    }

    /// Nobody waits for an answer any more: ends what runs, and finds the host that comes next.
    private func awaitNextHost() throws(AgentError) {
        try self.dropWork()
        self.host = HostConnection(socket: try self.address.connect(), scratch: self.scratch)
    }

    private func serve() throws(AgentError) {
        var polls = PollSet()
        while true {
            self.gatherDescriptors(&polls)
            polls.wait(until: self.nextDeadline)
            if polls.isReady(.host) {
                for message in try self.host.receive() {
                    if case .shutdown = message { return }
                    try self.take(message)
                }
            }
            if polls.isReady(.hostOutput) { try self.host.flush() }
            if polls.isReady(.zygote) { self.interpreters?.python.readReply() }
            if polls.isReady(.channelOutput) { self.running?.sendOrder() }
            if polls.isReady(.output) { self.running?.drainOutput(scratch: self.scratch) }
            if polls.isReady(.channel) { try self.readAnswer() }
            if polls.isReady(.children) { try self.collectChildren() }
            try self.checkDeadlines()
            try self.prepareInterpreters()
        }
    }

    private func take(_ message: HostMessage) throws(AgentError) {
        switch message {
        case .configure(let configuration):
            guard self.machine.state == .unconfigured else { return try self.greetAgain() }
            self.interpreters = Interpreters(configuration: configuration)
            self.machine.configured()
        case .execute(let request): try self.perform(self.machine.received(request))
        case .cancel(let id): try self.perform(self.machine.cancelled(id))
        case .shutdown: break
        }
    }

    /// A host that comes later learns what the first one did. While interpreters start, it does so when they have.
    private func greetAgain() throws(AgentError) {
        guard self.machine.state != .preparing, let interpreters = self.interpreters else { return }
        try self.host.send(.ready(interpreters.ready))
    }

    func perform(_ first: AgentStateMachine.Action) throws(AgentError) {
        var action = first
        while true {
            switch action {
            case .none: return
            case .start: return try self.prepareInterpreters()
            case .endRunning: return try self.endRunning(.cancelled)
            case .answer(let id, let reason):
                try self.host.send(.ended(ExecutionEnd(id: id, reason: reason)))
                action = self.machine.startNext()
            }
        }
    }

    private func gatherDescriptors(_ polls: inout PollSet) {
        polls.removeAll()
        polls.add(.host, self.host.descriptor, POLLIN)
        if self.host.hasUnsent { polls.add(.hostOutput, self.host.descriptor, POLLOUT) }
        polls.add(.children, self.childSignals.number, POLLIN)
        if let control = self.interpreters?.python.control { polls.add(.zygote, control, POLLIN) }
        guard let running = self.running else { return }
        if let channel = running.worker.channel {
            if running.isListening { polls.add(.channel, channel.number, POLLIN) }
            if running.hasUnsentOrder { polls.add(.channelOutput, channel.number, POLLOUT) }
        }
        if let pipe = running.stdout.pipe { polls.add(.output, pipe.number, POLLIN) }
        if let pipe = running.stderr.pipe { polls.add(.output, pipe.number, POLLIN) }
    }

    private var nextDeadline: Int64 {
        min(
            self.running?.deadline ?? .max,
            self.interpreters?.python.replyDeadline ?? .max,
            self.dying?.deadline ?? .max
        )
    }

    private func checkDeadlines() throws(AgentError) {
        let now = MonotonicClock.now
        if let dying = self.dying, now >= dying.deadline {
            throw AgentError(.resources, "the process of an execution could not be ended")
        }
        if let running = self.running, now >= running.deadline { try self.endRunning(.timedOut) }
        if let python = self.interpreters?.python, let deadline = python.replyDeadline, now >= deadline {
            python.abandon("it did not answer in time")
        }
    }
}
