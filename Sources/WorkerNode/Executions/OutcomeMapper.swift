import JSON
import Messages
import SandboxRuntime

/// Makes of what a runtime saw what a client is told. Pure.
struct OutcomeMapper: Sendable {
    /// Why a sandbox was taken from under an execution, where that was us.
    enum Interruption: Sendable, Equatable {
        case sessionEnded
        case shutDown
    }

    /// In bytes; for the message about a value that is larger.
    var resultLimit: Int

    func outcome(
        of report: ExecutionReport,
        for spec: ExecutionSpec,
        resources: Resources,
        isCancelled: Bool,
        interruption: Interruption?
    ) -> ExecutionOutcome {
        var outcome = ExecutionOutcome(
            status: .failed,
            stdout: report.stdout.bytes,
            stderr: report.stderr.bytes,
            stdoutBytes: Int(report.stdout.totalBytes),
            stderrBytes: Int(report.stderr.totalBytes),
            metrics: Self.metrics(report.metrics)
        )
        switch report.outcome {
        case .exited(code: 0):
            self.complete(&outcome, with: report)
        case .exited(let code):
            outcome.exitCode = Int(code)
            outcome.errorMessage =
                report.errorSummary ?? Self.lastLine(of: report.stderr.bytes)
                ?? "the program exited with status \(code)"
        case .signaled(let signal):
            // As a shell reports it.
            outcome.exitCode = 128 + Int(signal)
            outcome.errorMessage = "the program was killed by signal \(signal)\(Self.name(ofSignal: signal))"
        case .timedOut:
            outcome.status = .timeout
            outcome.errorMessage = "the execution took longer than its timeout of \(spec.timeoutSeconds) s"
        case .cancelled:
            self.interrupt(&outcome, isCancelled: isCancelled, interruption)
        case .interpreterDied:
            outcome.status = .crashed
            outcome.errorMessage = report.errorSummary ?? "the interpreter that ran the code died"
        case .outOfMemory:
            outcome.status = .crashed
            outcome.errorMessage = "killed: out of memory (limit \(Self.memory(resources)))"
        case .couldNotStart(let message):
            outcome.errorMessage = message
        }
        return outcome
    }

    /// The outcome of an order that the runtime threw for.
    func outcome(
        of error: RuntimeError,
        resources: Resources,
        isCancelled: Bool,
        interruption: Interruption?
    ) -> ExecutionOutcome {
        var outcome = ExecutionOutcome(status: .crashed)
        switch error.code {
        case .sandboxLost where interruption != nil:
            self.interrupt(&outcome, isCancelled: isCancelled, interruption)
        case .sandboxLost:
            outcome.errorMessage = "the sandbox died: \(error.message)"
        case .cancelled:
            self.interrupt(&outcome, isCancelled: isCancelled, interruption)
        case .invalidOrder:
            // Nothing ran, and nothing would the next time.
            outcome.status = .failed
            outcome.errorMessage = error.message
        default:
            outcome.errorMessage = "the execution could not be run: \(error.message)"
        }
        return outcome
    }

    /// The outcome of an order that was cancelled before it started.
    static func cancelledBeforeStart() -> ExecutionOutcome {
        ExecutionOutcome(status: .cancelled, errorMessage: "cancelled before it started")
    }

    private func complete(_ outcome: inout ExecutionOutcome, with report: ExecutionReport) {
        outcome.exitCode = 1
        if report.isReturnValueTooLarge {
            outcome.errorMessage = "the return value is larger than the limit of \(self.resultLimit) bytes of JSON"
            return
        }
        guard let value = report.returnValue else {
            outcome.status = .completed
            outcome.exitCode = 0
            return
        }
        if value.count > self.resultLimit {
            outcome.errorMessage = "the return value is larger than the limit of \(self.resultLimit) bytes of JSON"
            return
        }
        // The bytes come from where user code runs: nobody has vouched for them.
        if let fault = JSONScanner.validate(value) {
            outcome.errorMessage = "the return value is not JSON: \(fault.message)"
            return
        }
        outcome.status = .completed
        outcome.exitCode = 0
        outcome.returnValue = value
    }

    private func interrupt(_ outcome: inout ExecutionOutcome, isCancelled: Bool, _ interruption: Interruption?) {
        switch (isCancelled, interruption) {
        case (true, _):
            outcome.status = .cancelled
            outcome.errorMessage = "cancelled"
        case (false, .sessionEnded):
            outcome.status = .cancelled
            outcome.errorMessage = "the session was ended"
        case (false, .shutDown), (false, nil):
            // It had started: whether it may run again is the dispatcher's to decide.
            outcome.status = .crashed
            outcome.errorMessage = "the worker was shut down"
        }
    }

    private static func metrics(_ metrics: ExecutionReport.Metrics) -> ExecutionMetrics {
        ExecutionMetrics(
            wallMicros: Int(metrics.duration / .microseconds(1)),
            cpuMicros: Int(metrics.cpuTime / .microseconds(1)),
            peakMemoryKiB: Int(metrics.peakMemoryBytes / 1024),
            readBytes: Int(metrics.bytesRead),
            writtenBytes: Int(metrics.bytesWritten)
        )
    }

    private static func memory(_ resources: Resources) -> String {
        resources.memory.isEmpty ? "\(resources.memoryBytes) bytes" : resources.memory
    }

    /// The last line with something in it, at most 1000 bytes of it.
    static func lastLine(of bytes: [UInt8]) -> String? {
        let isBlank: (UInt8) -> Bool = { $0 == 10 || $0 == 13 || $0 == 32 || $0 == 9 }
        guard let last = bytes.lastIndex(where: { !isBlank($0) }) else { return nil }
        let start = bytes[...last].lastIndex(of: 10).map { $0 + 1 } ?? 0
        // Output may be any bytes: what is not UTF-8 is replaced, a character that is cut off as well.
        return String(decoding: bytes[start...last].prefix(1000), as: UTF8.self)
    }

    private static func name(ofSignal signal: Int32) -> String {
        switch signal {
        case 4: " (illegal instruction)"
        case 6: " (aborted)"
        case 8: " (arithmetic error)"
        case 9: " (killed)"
        case 11: " (segmentation fault)"
        case 15: " (terminated)"
        case 25: " (file size limit)"
        default: ""
        }
    }
}
