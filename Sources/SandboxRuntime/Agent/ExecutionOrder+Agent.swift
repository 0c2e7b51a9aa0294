package import AgentProtocol

extension AgentLanguage {
    package init(_ language: CodeLanguage) {
        self =
            switch language {
            case .python: .python
            case .javascript: .javascript
            case .shell: .shell
            }
    }
}

extension ExecuteRequest {
    init(_ order: ExecutionOrder, limits: ResourceLimits, limitsProcesses: Bool) {
        self.init(
            id: AgentExecutionID(order.id.rawValue),
            language: AgentLanguage(order.language),
            code: order.code,
            event: order.event,
            environment: order.environment.map { EnvironmentVariable(name: $0.name, value: $0.value) },
            timeout: order.timeout,
            stdoutLimit: order.stdoutLimit,
            stderrLimit: order.stderrLimit,
            resultLimit: order.resultLimit,
            limits: ProcessLimits(
                maximumProcesses: limitsProcesses ? limits.maxProcesses : nil,
                maximumFileSize: Int(limits.diskBytes),
                maximumOpenFiles: limits.maxOpenFiles
            )
        )
    }
}

extension ExecutionReport {
    init(_ end: ExecutionEnd) {
        self.init(
            id: OrderID(end.id.rawValue),
            outcome: Outcome(end.reason),
            returnValue: end.returnValue,
            isReturnValueTooLarge: end.isResultTooLarge,
            errorSummary: end.errorSummary,
            stdout: Output(bytes: end.stdout.bytes, totalBytes: Int64(clamping: end.stdout.totalByteCount)),
            stderr: Output(bytes: end.stderr.bytes, totalBytes: Int64(clamping: end.stderr.totalByteCount)),
            metrics: Metrics(
                duration: end.metrics.wall,
                cpuTime: end.metrics.cpu,
                peakMemoryBytes: Int64(
                    clamping: end.metrics.peakMemoryKiB.multipliedReportingOverflow(by: 1024).partialValue
                ),
                bytesRead: Int64(clamping: end.metrics.ioReadBytes),
                bytesWritten: Int64(clamping: end.metrics.ioWriteBytes)
            )
        )
    }

    /// Whether the control group has to be asked: SIGKILL, as a shell reports it too.
    package var mayBeOutOfMemory: Bool {
        switch self.outcome {
        case .signaled(9), .exited(code: 137), .interpreterDied: true
        default: false
        }
    }
}

extension ExecutionReport.Outcome {
    init(_ reason: EndReason) {
        self =
            switch reason {
            case .exited(let code): .exited(code: code)
            case .signaled(let signal): .signaled(signal)
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .interpreterDied: .interpreterDied
            case .outOfMemory: .outOfMemory
            case .couldNotStart(let message): .couldNotStart(message: message)
            }
    }
}

extension CodeLanguage {
    package init(_ language: AgentLanguage) {
        self =
            switch language {
            case .python: .python
            case .javascript: .javascript
            case .shell: .shell
            }
    }
}
