import AgentProtocol
import CSystem
import Glibc

/// The warm Python interpreter, and the one child of it that is forked ahead.
final class PythonZygote {
    enum State {
        /// Not running. Can transition to: `running` by ``start()``.
        case absent
        /// The interpreter runs, or still starts up. Can transition to: `absent` when it has died.
        case running(pid: Int32, control: Descriptor)
    }

    private let configuration: AgentConfiguration
    private(set) var state: State = .absent
    /// The ends of the child that was asked for and whose pid is not known yet.
    private var expected: WorkerEnds?
    private var reply: [UInt8] = []
    /// When a reply is overdue, on ``MonotonicClock``.
    private(set) var replyDeadline: Int64?
    /// Waits for an execution; has never run user code.
    private(set) var idle: Worker?
    /// Starts or forks in a row that came to nothing.
    private(set) var failures = 0
    private(set) var lastFailure = ""

    init(configuration: AgentConfiguration) { self.configuration = configuration }

    var pid: Int32? {
        if case .running(let pid, _) = self.state { pid } else { nil }
    }

    /// A child was asked for and its pid is not known yet.
    var isForking: Bool { self.expected != nil }

    /// Where the answer will come, while one is awaited.
    var control: Int32? {
        if case .running(_, let control) = self.state, self.expected != nil { control.number } else { nil }
    }

    /// Starts the interpreter if it does not run, and asks for a child if none is there or on its way.
    func prepare() throws(AgentError) {
        if case .absent = self.state { try self.start() }
        guard self.idle == nil, self.expected == nil, case .running(_, let control) = self.state else { return }
        let pipes = try WorkerPipes(hasChannel: true)
        guard let channel = pipes.channel else { return }
        let descriptors = [channel.number, pipes.stdout.number, pipes.stderr.number]
        let result = withExtendedLifetime(pipes) {
            csa_send_descriptors(control.number, 0x46, descriptors, Int32(descriptors.count))
        }
        self.expected = pipes.ours
        self.replyDeadline = MonotonicClock.now + 10_000_000_000
        // Its end is counted when the kernel reports it.
        if result != 0 { self.abandon("it took no request: \(String(cString: strerror(-result)))") }
    }

    private func start() throws(AgentError) {
        let program = Program(
            path: self.configuration.pythonPath,
            arguments: ["python3.11", "-I", "-S", "-X", "utf8", "-c", PythonProgram.loader],
            environment: self.configuration.environment() + ["LD_BIND_NOW=1"],
            directory: self.configuration.workspacePath,
            protectsItself: true
        )
        let text = try Program.open(Array(PythonProgram.text.utf8), name: "python")
        let null = try Program.null()
        let control = try WorkerPipes.pair("a channel", csa_open_channel)
        let pid = try program.start(
            input: text.number,
            output: null.number,
            errors: null.number,
            channel: control.theirs.number
        )
        self.state = .running(pid: pid, control: control.ours)
        self.reply = []
    }

    /// Reads the answer to a request for a child.
    func readReply() {
        guard case .running(_, let control) = self.state, let ends = self.expected else { return }
        var bytes = [UInt8](repeating: 0, count: 8 - self.reply.count)
        let count = recv(control.number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count > 0 else {
            // Its death is reported by its parent, the agent's own wait.
            if count == 0 { self.abandon("it closed its channel") }
            return
        }
        self.reply.append(contentsOf: bytes[..<count])
        guard self.reply.count == 8 else { return }
        var number: UInt64 = 0
        for byte in self.reply.reversed() { number = number << 8 | UInt64(byte) }
        self.reply = []
        self.expected = nil
        self.replyDeadline = nil
        let pid = Int64(bitPattern: number)
        if pid > 0, pid <= Int64(Int32.max) {
            self.idle = Worker(pid: Int32(pid), ends: ends)
            self.failures = 0
        } else {
            self.failures += 1
            self.lastFailure = "no process could be made: \(String(cString: strerror(Int32(clamping: -pid))))"
        }
    }

    /// Ends an interpreter that does not answer.
    func abandon(_ reason: String) {
        self.replyDeadline = nil
        self.lastFailure = "Python: \(reason)"
        if let pid = self.pid { kill(pid, SIGKILL) }
    }

    /// Takes note of the end of one of its processes. Returns whether it was one.
    func processEnded(_ pid: Int32) -> Bool {
        if self.idle?.pid == pid {
            self.idle = nil
            return true
        }
        guard case .running(pid, _) = self.state else { return false }
        self.forgetInterpreter()
        return true
    }

    /// The interpreter is gone: whatever waited for an answer of it waits in vain.
    private func forgetInterpreter() {
        if self.expected != nil {
            self.failures += 1
            if self.lastFailure.isEmpty { self.lastFailure = "Python ended while it started" }
        }
        self.state = .absent
        self.expected = nil
        self.replyDeadline = nil
        self.reply = []
        self.discardIdle()
    }

    /// Hands out the waiting child; it is not this object's any more.
    func take() -> Worker? {
        defer { self.idle = nil }
        return self.idle
    }

    /// Ends the waiting child, which user code could signal.
    func discardIdle() {
        if let idle = self.idle { kill(idle.pid, SIGKILL) }
        self.idle = nil
    }
}

extension Program {
    static func null() throws(AgentError) -> Descriptor {
        let descriptor = Glibc.open("/dev/null", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw AgentError(errno: errno, in: "opening /dev/null") }
        return Descriptor(descriptor)
    }
}
