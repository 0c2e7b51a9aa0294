import AgentProtocol
import CSystem
import Glibc

/// Node.js processes: each runs one execution; one may be started ahead.
final class NodeInterpreter {
    private let configuration: AgentConfiguration
    /// Has started, or still starts, and waits on its channel; has never run user code.
    private(set) var idle: Worker?
    /// What the waiting process may not touch, as its filter was made.
    private var idleProtects: [Int32] = []

    init(configuration: AgentConfiguration) { self.configuration = configuration }

    /// Starts the process ahead, if none is there.
    func prepare(protecting pids: [Int32]) throws(AgentError) {
        guard self.idle == nil else { return }
        self.idle = try self.start(protecting: pids, limits: ProcessLimits())
        self.idleProtects = pids
    }

    /// The process started ahead if its filter covers `pids`, else a new one. It takes its order at once.
    func take(protecting pids: [Int32], limits: ProcessLimits) throws(AgentError) -> Worker {
        if self.idleProtects != pids { self.discardIdle() }
        guard let worker = self.idle else { return try self.start(protecting: pids, limits: limits) }
        self.idle = nil
        var native = limits.native
        csa_set_limits(worker.pid, &native)
        return worker
    }

    func discardIdle() {
        if let idle = self.idle { kill(idle.pid, SIGKILL) }
        self.idle = nil
    }

    /// Takes note of the end of its process. Returns whether it was its.
    func processEnded(_ pid: Int32) -> Bool {
        guard self.idle?.pid == pid else { return false }
        self.idle = nil
        return true
    }

    private func start(protecting pids: [Int32], limits: ProcessLimits) throws(AgentError) -> Worker {
        let program = Program(
            path: self.configuration.nodePath,
            arguments: ["node", "-e", NodeProgram.text],
            environment: self.configuration.environment(),
            directory: self.configuration.workspacePath,
            limits: limits,
            protectedPIDs: pids
        )
        let pipes = try WorkerPipes(hasChannel: true)
        let null = try Program.null()
        let pid = try program.start(
            input: null.number,
            output: pipes.stdout.number,
            errors: pipes.stderr.number,
            channel: pipes.channel?.number
        )
        return Worker(pid: pid, ends: pipes.ours)
    }
}
