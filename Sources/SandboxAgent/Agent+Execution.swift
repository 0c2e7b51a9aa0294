import AgentProtocol
import CSystem
import Glibc

extension Agent {
    /// Gives the waiting request to an interpreter if one is ready, and sees to it that one will be.
    func prepareInterpreters() throws(AgentError) {
        guard let interpreters = self.interpreters, self.running == nil else { return }
        while true {
            switch self.machine.state {
            case .unconfigured, .running: return
            case .preparing:
                guard try interpreters.warmUp() else { return try self.reportIfHopeless(interpreters) }
                try self.host.send(.ready(interpreters.ready))
                _ = self.machine.prepared()
            case .idle:
                _ = try interpreters.warmUp()
                return try self.reportIfHopeless(interpreters)
            case .starting(let request):
                if self.dying != nil {
                    _ = try interpreters.warmUp()
                    return try self.reportIfHopeless(interpreters)
                }
                switch interpreters.start(request) {
                case .started(let running):
                    self.running = running
                    return self.machine.started()
                case .wait: return try self.reportIfHopeless(interpreters)
                case .impossible(let reason):
                    try self.host.send(.ended(ExecutionEnd(id: request.id, reason: reason)))
                    _ = self.machine.ended()
                }
            }
        }
    }

    /// An agent that cannot keep a promised interpreter alive is replaced, not repaired.
    private func reportIfHopeless(_ interpreters: Interpreters) throws(AgentError) {
        guard let problem = interpreters.hopelessProblem else { return }
        if case .starting(let request) = self.machine.state {
            try self.host.send(.ended(ExecutionEnd(id: request.id, reason: .couldNotStart(problem))))
        }
        throw AgentError(.resources, problem)
    }

    /// The process has said how it went: that is the end, whatever it still does.
    func readAnswer() throws(AgentError) {
        self.running?.readChannel(scratch: self.scratch)
        if self.running?.answer != nil { try self.endRunning(nil) }
    }

    /// Takes the ends of processes from the kernel.
    func collectChildren() throws(AgentError) {
        csa_drain_child_signals(self.childSignals.number)
        while true {
            let pid = csa_peek_exit()
            if pid <= 0 { return }
            if self.running?.worker.pid == pid {
                // What it said before it ended counts, and what it used is known until it is removed.
                try self.readAnswer()
                if let running = self.running { try self.collect(running) }
                continue
            }
            var exit = csa_exit()
            guard csa_reap(pid, &exit) == 1 else { return }
            if self.dying?.pid == pid { self.dying = nil }
            self.interpreters?.processEnded(pid)
        }
    }

    /// The process that ran the code has ended without an answer, as scripts do that leave by themselves.
    private func collect(_ running: RunningExecution) throws(AgentError) {
        var metrics = running.measure()
        var exit = csa_exit()
        guard csa_reap(running.worker.pid, &exit) == 1 else { return }
        metrics.cpu = max(metrics.cpu, .microseconds(exit.cpu_microseconds))
        metrics.peakMemoryKiB = max(metrics.peakMemoryKiB, UInt64(max(0, exit.peak_kib)))
        try self.endRunning(exit.signal != 0 ? .signaled(exit.signal) : .exited(code: exit.code), metrics: metrics)
    }

    /// Answers, then removes everything that the execution has left.
    func endRunning(_ reason: EndReason?, metrics: ExecutionMetrics? = nil) throws(AgentError) {
        guard var running = self.running else { return }
        self.running = nil
        let pid = running.worker.pid
        if reason == .timedOut || reason == .cancelled { kill(pid, SIGKILL) }
        running.drainOutput(scratch: self.scratch)
        try self.host.send(.ended(running.end(reason, metrics: metrics ?? running.measure())))
        try self.sweep(pid)
        try self.perform(self.machine.ended())
    }

    /// Ends what runs without an answer, with all that it has left. Does nothing where processes of others may be seen.
    func dropWork() throws(AgentError) {
        if let running = self.running { kill(running.worker.pid, SIGKILL) }
        self.running = nil
        self.machine.hostGone()
        guard getpid() == 1 else { return }
        try self.sweep(keeping: self.interpreters?.warmPIDs ?? [])
        self.dying = nil
    }

    /// Ends every process but the warm ones.
    ///
    /// The one that ran the code is killed and not waited for: from then on it makes no other, so that the next one can be
    /// made beside its end, which is half of the work.
    private func sweep(_ pid: Int32) throws(AgentError) {
        if kill(pid, SIGKILL) == 0 { self.dying = (pid, MonotonicClock.now + 10_000_000_000) }
        guard getpid() == 1 else {
            // Not the sandbox's first process: what it sees may be anyone's. Only its own are ended.
            kill(-pid, SIGKILL)
            return
        }
        try self.sweep(keeping: (self.interpreters?.warmPIDs ?? []) + [pid])
        if kill(pid, 0) != 0 { self.dying = nil }
    }

    private func sweep(keeping pids: [Int32]) throws(AgentError) {
        let warm = self.interpreters?.warmPIDs ?? []
        let result = csa_sweep(pids, Int32(pids.count))
        if result < 0 {
            throw AgentError(
                .resources,
                "processes of an execution could not be ended: \(String(cString: strerror(-result)))"
            )
        }
        // The sweep has taken all ends from the kernel, those of warm processes too.
        for pid in warm where result == 1 || kill(pid, 0) != 0 { self.interpreters?.processEnded(pid) }
    }
}
