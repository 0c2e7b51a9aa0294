import SandboxRuntime
import Testing

extension SandboxRuntimeContract {
    func verifyReports(_ subject: Subject) async throws {
        let sandbox = try await subject.start()
        switch self {
        case .returnsWhatAHandlerReturns:
            for (code, value) in [
                ("0", "0"), ("[]", "[]"), ("None", "null"), ("{'a': [1.5, 'é']}", #"{"a": [1.5, "\u00e9"]}"#),
            ] {
                let report = try await sandbox.run(.python, "def handler(event):\n    return \(code)\n")
                #expect(report.outcome == .exited(code: 0), "\(report.summary)")
                #expect(report.value == value)
            }
            let forged = try await sandbox.run(.python, "print('{\"result\": 1}')\nimport os; os.write(3, b'x')\n")
            #expect(forged.value == nil)

        case .givesEventAndEnvironment:
            let report = try await sandbox.run(
                .python,
                "import os\ndef handler(event):\n    return [event['n'], os.environ['GIVEN'], os.getcwd(), os.environ['HOME']]\n"
            ) { order in
                order.event = Array(#"{"n": 12345678901234567890123}"#.utf8)
                order.environment = [("GIVEN", "first"), ("GIVEN", "last")]
            }
            #expect(
                report.value == #"[12345678901234567890123, "last", "/workspace", "/workspace"]"#,
                "\(report.summary)"
            )

        case .reportsExitCodesAndBothOutputs:
            let report = try await sandbox.run(.shell, "echo out; echo err >&2; exit 7")
            #expect(report.outcome == .exited(code: 7))
            #expect(report.output == "out\n")
            #expect(report.errors == "err\n")
            let signaled = try await sandbox.run(.python, "import os\nos.kill(os.getpid(), 15)\n")
            #expect(signaled.outcome == .signaled(15), "\(signaled.summary)")

        case .reportsAnException:
            let report = try await sandbox.run(.python, "x = 1\ndef f():\n    raise ValueError('no good')\nf()\n")
            #expect(report.outcome == .exited(code: 1))
            #expect(report.errors.contains("line 3") && report.errors.contains("ValueError: no good"))
            #expect(report.errorSummary?.contains("ValueError: no good") == true)

        case .runsJavaScript:
            guard await subject.runtime.capabilities().languages[.javascript] == .available else {
                let report = try await sandbox.run(.javascript, "1")
                guard case .couldNotStart(let message) = report.outcome else {
                    Issue.record("a missing interpreter must be told: \(report.summary)")
                    return
                }
                #expect(!message.isEmpty)
                return
            }
            let report = try await sandbox.run(
                .javascript,
                "exports.handler = async (event) => { console.log('hi'); return event.a + 1; }"
            ) { $0.event = Array(#"{"a":41}"#.utf8) }
            #expect(report.value == "42", "\(report.summary)")
            #expect(report.output == "hi\n")

        case .cutsAndCountsOutput:
            let report = try await sandbox.run(
                .python,
                "import sys\nfor _ in range(64):\n    sys.stdout.write('x' * 65536)\n"
            ) {
                $0.stdoutLimit = 1000
            }
            #expect(report.outcome == .exited(code: 0))
            #expect(report.stdout.bytes == Array(repeating: UInt8(ascii: "x"), count: 1000))
            #expect(report.stdout.totalBytes == 64 * 65536)
            #expect(report.stdout.isTruncated && !report.stderr.isTruncated)
            let large = try await sandbox.run(.python, "def handler(e):\n    return 'x' * 5000\n") {
                $0.resultLimit = 1000
            }
            #expect(large.isReturnValueTooLarge && large.returnValue == nil)

        case .measuresWhatWasUsed:
            let code = "import time\nend = time.process_time() + 0.05\nwhile time.process_time() < end: pass\n"
            let report = try await sandbox.run(.python, code)
            #expect(report.metrics.cpuTime >= .milliseconds(40) && report.metrics.cpuTime < .seconds(5))
            #expect(report.metrics.duration >= .milliseconds(40))
            #expect(report.metrics.peakMemoryBytes > 1 << 20)

        default: Issue.record("\(self) is checked elsewhere")
        }
    }
}
