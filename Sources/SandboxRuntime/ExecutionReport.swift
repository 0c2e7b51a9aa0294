/// How an order ended. Everything that it started is dead, or dies before the next order starts.
public struct ExecutionReport: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        case exited(code: Int32)
        /// Killed by a signal that we did not send.
        case signaled(Int32)
        case timedOut
        case cancelled
        /// The interpreter that was to run the code died; it may or may not have started.
        case interpreterDied
        /// Killed because the sandbox's memory was used up.
        case outOfMemory
        /// Nothing ran; the message is for whoever sent the code.
        case couldNotStart(message: String)
    }

    /// One of the two output streams.
    public struct Output: Sendable, Equatable {
        /// What was kept, from the beginning. Any bytes: not always UTF-8.
        public var bytes: [UInt8]
        /// Bytes that were written, kept or not.
        public var totalBytes: Int64
        public var isTruncated: Bool { self.totalBytes > Int64(self.bytes.count) }

        public init(bytes: [UInt8] = [], totalBytes: Int64? = nil) {
            self.bytes = bytes
            self.totalBytes = totalBytes ?? Int64(bytes.count)
        }
    }

    /// Measured by the agent, of the main process and what it has waited for.
    public struct Metrics: Sendable, Equatable {
        public var duration: Duration
        public var cpuTime: Duration
        public var peakMemoryBytes: Int64
        public var bytesRead: Int64
        public var bytesWritten: Int64

        public init(
            duration: Duration = .zero,
            cpuTime: Duration = .zero,
            peakMemoryBytes: Int64 = 0,
            bytesRead: Int64 = 0,
            bytesWritten: Int64 = 0
        ) {
            self.duration = duration
            self.cpuTime = cpuTime
            self.peakMemoryBytes = peakMemoryBytes
            self.bytesRead = bytesRead
            self.bytesWritten = bytesWritten
        }
    }

    public var id: OrderID
    public var outcome: Outcome
    /// JSON that a handler returned, checked by nobody yet. `nil` if there was no handler, or its value was too large.
    public var returnValue: [UInt8]?
    public var isReturnValueTooLarge: Bool
    /// One line, such as the last of a traceback; `nil` if all went well.
    public var errorSummary: String?
    public var stdout: Output
    public var stderr: Output
    public var metrics: Metrics

    public init(
        id: OrderID,
        outcome: Outcome,
        returnValue: [UInt8]? = nil,
        isReturnValueTooLarge: Bool = false,
        errorSummary: String? = nil,
        stdout: Output = Output(),
        stderr: Output = Output(),
        metrics: Metrics = Metrics()
    ) {
        self.id = id
        self.outcome = outcome
        self.returnValue = returnValue
        self.isReturnValueTooLarge = isReturnValueTooLarge
        self.errorSummary = errorSummary
        self.stdout = stdout
        self.stderr = stderr
        self.metrics = metrics
    }
}
