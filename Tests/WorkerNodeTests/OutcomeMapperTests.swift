import Messages
import SandboxRuntime
import Testing

@testable import WorkerNode

@Suite struct OutcomeMapperTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var outcome: ExecutionReport.Outcome
        var value: String?
        var isTooLarge = false
        var summary: String?
        var stderr = ""
        var isCancelled = false
        var interruption: OutcomeMapper.Interruption?
        var status: ExecutionStatus
        var exitCode: Int?
        var message: String?
        var testDescription: String { "\(self.outcome) -> \(self.status)" }
    }

    static let rows: [Row] = [
        Row(outcome: .exited(code: 0), value: "0", status: .completed, exitCode: 0),
        Row(outcome: .exited(code: 0), status: .completed, exitCode: 0),
        Row(
            outcome: .exited(code: 0),
            value: "{]",
            status: .failed,
            exitCode: 1,
            message: "the return value is not JSON: not JSON at byte 1"
        ),
        Row(
            outcome: .exited(code: 0),
            value: "\"12345678901234567890123456789012\"",
            status: .failed,
            exitCode: 1,
            message: "the return value is larger than the limit of 32 bytes of JSON"
        ),
        Row(
            outcome: .exited(code: 0),
            isTooLarge: true,
            status: .failed,
            exitCode: 1,
            message: "the return value is larger than the limit of 32 bytes of JSON"
        ),
        Row(
            outcome: .exited(code: 1),
            summary: "ValueError: no",
            stderr: "Traceback\nother",
            status: .failed,
            exitCode: 1,
            message: "ValueError: no"
        ),
        Row(
            outcome: .exited(code: 2),
            stderr: "first\nsecond \n\n",
            status: .failed,
            exitCode: 2,
            message: "second"
        ),
        Row(outcome: .exited(code: 3), status: .failed, exitCode: 3, message: "the program exited with status 3"),
        Row(
            outcome: .signaled(11),
            status: .failed,
            exitCode: 139,
            message: "the program was killed by signal 11 (segmentation fault)"
        ),
        Row(
            outcome: .timedOut,
            status: .timeout,
            message: "the execution took longer than its timeout of 7 s"
        ),
        Row(outcome: .cancelled, isCancelled: true, status: .cancelled, message: "cancelled"),
        Row(outcome: .cancelled, interruption: .sessionEnded, status: .cancelled, message: "the session was ended"),
        Row(outcome: .cancelled, interruption: .shutDown, status: .crashed, message: "the worker was shut down"),
        Row(outcome: .cancelled, status: .crashed, message: "the worker was shut down"),
        Row(outcome: .interpreterDied, status: .crashed, message: "the interpreter that ran the code died"),
        Row(outcome: .outOfMemory, status: .crashed, message: "killed: out of memory (limit 512Mi)"),
        Row(
            outcome: .couldNotStart(message: "node is not installed"),
            status: .failed,
            message: "node is not installed"
        ),
    ]

    @Test(arguments: rows) func maps(_ row: Row) {
        let spec = SessionSpec.sample()
        let report = ExecutionReport(
            id: OrderID("e1"),
            outcome: row.outcome,
            returnValue: row.value.map { Array($0.utf8) },
            isReturnValueTooLarge: row.isTooLarge,
            errorSummary: row.summary,
            stdout: .init(bytes: Array("out".utf8), totalBytes: 10),
            stderr: .init(bytes: Array(row.stderr.utf8)),
            metrics: .init(
                duration: .milliseconds(5),
                cpuTime: .microseconds(7),
                peakMemoryBytes: 3 << 20,
                bytesRead: 11,
                bytesWritten: 13
            )
        )
        let outcome = OutcomeMapper(resultLimit: 32).outcome(
            of: report,
            for: spec.execution(timeoutSeconds: 7),
            resources: spec.resources,
            isCancelled: row.isCancelled,
            interruption: row.interruption
        )
        #expect(outcome.status == row.status)
        #expect(outcome.exitCode == row.exitCode)
        #expect(outcome.errorMessage == row.message)
        #expect(outcome.returnValue == (row.status == .completed ? row.value.map { Array($0.utf8) } : nil))
        #expect(outcome.stdout == Array("out".utf8) && outcome.stdoutBytes == 10 && outcome.isStdoutTruncated)
        #expect(outcome.stderr == Array(row.stderr.utf8) && !outcome.isStderrTruncated)
        #expect(
            outcome.metrics
                == ExecutionMetrics(
                    wallMicros: 5000,
                    cpuMicros: 7,
                    peakMemoryKiB: 3072,
                    readBytes: 11,
                    writtenBytes: 13
                )
        )
    }

    struct ErrorRow: Sendable, CustomTestStringConvertible {
        var code: RuntimeError.Code
        var isCancelled = false
        var interruption: OutcomeMapper.Interruption?
        var status: ExecutionStatus
        var message: String
        var testDescription: String { "\(self.code) -> \(self.message)" }
    }

    @Test(arguments: [
        ErrorRow(code: .sandboxLost, status: .crashed, message: "the sandbox died: why"),
        ErrorRow(code: .sandboxLost, isCancelled: true, status: .crashed, message: "the sandbox died: why"),
        ErrorRow(
            code: .sandboxLost,
            interruption: .sessionEnded,
            status: .cancelled,
            message: "the session was ended"
        ),
        ErrorRow(code: .sandboxLost, interruption: .shutDown, status: .crashed, message: "the worker was shut down"),
        ErrorRow(code: .cancelled, isCancelled: true, status: .cancelled, message: "cancelled"),
        ErrorRow(code: .cancelled, status: .crashed, message: "the worker was shut down"),
        ErrorRow(code: .invalidOrder, status: .failed, message: "why"),
        ErrorRow(code: .busy, status: .crashed, message: "the execution could not be run: why"),
    ]) func mapsErrors(_ row: ErrorRow) {
        let outcome = OutcomeMapper(resultLimit: 32).outcome(
            of: RuntimeError(row.code, "why"),
            resources: SessionSpec.sample().resources,
            isCancelled: row.isCancelled,
            interruption: row.interruption
        )
        #expect(outcome.status == row.status)
        #expect(outcome.errorMessage == row.message)
        #expect(outcome.exitCode == nil)
    }

    @Test func outputThatIsNotTextIsShortenedAndRepaired() {
        #expect(OutcomeMapper.lastLine(of: [0x61, 0x0a, 0xff, 0x62]) == "\u{fffd}b")
        #expect(OutcomeMapper.lastLine(of: Array("  \n\n".utf8)) == nil)
        #expect(OutcomeMapper.lastLine(of: [UInt8](repeating: 0x61, count: 5000))?.utf8.count == 1000)
    }
}
