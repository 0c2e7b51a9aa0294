/// How an execution ended and what it left.
public struct ExecutionEnd: Sendable, Equatable {
    public var id: AgentExecutionID
    public var reason: EndReason
    /// JSON text, ASCII; `nil` if the program has no handler, if that failed, or if its value was too large.
    public var returnValue: [UInt8]?
    /// The handler returned more than the request's `resultLimit`; `returnValue` is `nil` then, and the reason `exited(1)`.
    public var isResultTooLarge: Bool
    /// One line that says what failed, such as the last one of a traceback, for example `ValueError: no such thing`.
    public var errorSummary: String?
    public var stdout: CapturedOutput
    public var stderr: CapturedOutput
    public var metrics: ExecutionMetrics

    public init(
        id: AgentExecutionID,
        reason: EndReason,
        returnValue: [UInt8]? = nil,
        isResultTooLarge: Bool = false,
        errorSummary: String? = nil,
        stdout: CapturedOutput = CapturedOutput(),
        stderr: CapturedOutput = CapturedOutput(),
        metrics: ExecutionMetrics = ExecutionMetrics()
    ) {
        self.id = id
        self.reason = reason
        self.returnValue = returnValue
        self.isResultTooLarge = isResultTooLarge
        self.errorSummary = errorSummary
        self.stdout = stdout
        self.stderr = stderr
        self.metrics = metrics
    }
}

/// Why an execution is over.
public enum EndReason: Sendable, Equatable {
    /// The program ended by itself; 0 is success.
    case exited(code: Int32)
    /// A signal ended it that the agent did not send. 9 may be the kernel's out-of-memory killer: the host's control
    /// group knows.
    case signaled(Int32)
    /// It ran for its whole timeout and was killed.
    case timedOut
    /// The host asked for its end.
    case cancelled
    /// The warm interpreter died before it had taken the code: nothing of it has run.
    case interpreterDied
    /// The kernel ended it for want of memory. Only the host can know that and puts it in the place of `signaled(9)`.
    case outOfMemory
    /// It was not started; says why, for the user.
    case couldNotStart(String)
}

/// What a program wrote to one of its streams.
public struct CapturedOutput: Sendable, Equatable {
    /// The first bytes, up to the request's limit, as they were written.
    public var bytes: [UInt8]
    /// Everything that was written, what is not in `bytes` included.
    public var totalByteCount: UInt64

    public init(bytes: [UInt8] = [], totalByteCount: UInt64 = 0) {
        self.bytes = bytes
        self.totalByteCount = totalByteCount
    }

    public var isTruncated: Bool { self.totalByteCount > UInt64(self.bytes.count) }
}

/// What an execution used, as the kernel counted it.
public struct ExecutionMetrics: Sendable, Equatable {
    /// From the start of the code to its end.
    public var wall: Duration
    /// CPU time of the program and of those of its children that it waited for.
    public var cpu: Duration
    /// The largest resident set of the program's main process, the interpreter included, in KiB.
    public var peakMemoryKiB: UInt64
    /// Bytes it read and wrote through system calls.
    public var ioReadBytes: UInt64
    public var ioWriteBytes: UInt64

    public init(
        wall: Duration = .zero,
        cpu: Duration = .zero,
        peakMemoryKiB: UInt64 = 0,
        ioReadBytes: UInt64 = 0,
        ioWriteBytes: UInt64 = 0
    ) {
        self.wall = wall
        self.cpu = cpu
        self.peakMemoryKiB = peakMemoryKiB
        self.ioReadBytes = ioReadBytes
        self.ioWriteBytes = ioWriteBytes
    }
}
