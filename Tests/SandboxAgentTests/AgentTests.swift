import AgentProtocol
import CSystem
import Foundation
import Glibc
import Testing

@testable import SandboxAgent

@Suite(.enabled(if: SandboxedAgent.isPossible, Comment(rawValue: SandboxedAgent.withoutReason)), .serialized)
struct AgentTests {
    @Test(.timeLimit(.minutes(10))) func readySaysWhatIsMissingAndWhereItWasSought() async throws {
        let agent = try await SandboxedAgent.start(
            AgentConfiguration(pythonPath: "/usr/bin/python-not-there", nodePath: "/opt/node-not-there")
        )
        let ready = try await agent.ready()
        #expect(ready.version == AgentReady.currentVersion)
        #expect(ready.languages.map(\.isAvailable) == [false, false, true])
        #expect(ready.languages[0].problem?.contains("/usr/bin/python-not-there") == true)
        guard case .couldNotStart(let message) = try await agent.run(.javascript, "1").reason else {
            Issue.record("it started")
            return
        }
        #expect(message.contains("/opt/node-not-there"))
        #expect(try await agent.run(.shell, "echo 1").out == "1\n")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func aLanguageThatIsNotWarmStartsWhenItIsNeeded() async throws {
        let agent = try await SandboxedAgent.start(AgentConfiguration(warmLanguages: []))
        _ = try await agent.ready()
        #expect(try await agent.run(.python, "def handler(e): return 1").value == "1")
        #expect(try await agent.run(.shell, "echo 1").out == "1\n")
        #expect(try await agent.run(.python, "def handler(e): return 2").value == "2")
        await agent.stop()
    }

    @Test(.enabled(if: SandboxedAgent.hasNode, "needs /usr/bin/node"), .timeLimit(.minutes(10)))
    func warmProcessesOfOtherLanguagesAreNotExposedToCode() async throws {
        let agent = try await SandboxedAgent.start(AgentConfiguration(warmLanguages: [.python, .javascript]))
        _ = try await agent.ready()
        // It is killed before the shell starts, and takes a moment to be gone.
        let wait =
            "ps() { for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | cut -d' ' -f1; done; }; while ps | grep -q node; do :; done"
        #expect(try await agent.run(.shell, wait + "; echo gone").out == "gone\n")
        #expect(try await agent.run(.javascript, "exports.handler = () => 1").value == "1")
        #expect(try await agent.run(.python, "def handler(e): return 1").value == "1")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func outputBeyondItsLimitIsCountedAndTheProgramGoesOn() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        var request = ExecuteRequest.make(
            .python,
            "import sys\nsys.stdout.write('x' * 3000000)\nsys.stderr.write('y' * 5)\ndef handler(e): return 1"
        )
        (request.stdoutLimit, request.stderrLimit) = (10, 5)
        let end = try await agent.run(request)
        #expect(end.out == "xxxxxxxxxx")
        #expect(end.stdout.totalByteCount == 3_000_000)
        #expect(end.stdout.isTruncated)
        #expect(end.err == "yyyyy")
        #expect(!end.stderr.isTruncated)
        #expect(end.value == "1")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10)), arguments: [(100, true), (102, false)])
    func aReturnValueOverItsLimitIsRefused(limit: Int, isTooLarge: Bool) async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        var request = ExecuteRequest.make(.python, "def handler(e): return 'x' * 100")
        request.resultLimit = limit
        let end = try await agent.run(request)
        #expect(end.isResultTooLarge == isTooLarge)
        #expect(end.reason == .exited(code: isTooLarge ? 1 : 0))
        #expect((end.returnValue == nil) == isTooLarge)
        #expect(end.err.contains("102 bytes of JSON, 100 are allowed") == isTooLarge)
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func largeCodeEventAndResultPass() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let text = String(repeating: "z", count: 900_000)
        let code = "# " + String(repeating: "c", count: 400_000) + "\ndef handler(e): return e['t']"
        let end = try await agent.run(.python, code, event: "{\"t\":\"\(text)\"}")
        #expect(end.value == "\"\(text)\"")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func theEnvironmentIsOfThisExecutionAlone() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let code =
            "import os, subprocess\ndef handler(e): return [os.environ.get('A'), os.environ['HOME'], subprocess.getoutput('echo $A'), os.environ.get('LD_BIND_NOW')]"
        var request = ExecuteRequest.make(.python, code)
        request.environment = [
            EnvironmentVariable(name: "A", value: "ü 1"), EnvironmentVariable(name: "B=C", value: "x"),
            EnvironmentVariable(name: "HOME", value: "/tmp"),
        ]
        #expect(try await agent.run(request).value == #"["\u00fc 1", "/tmp", "\u00fc 1", null]"#)
        #expect(try await agent.run(.python, code).value == #"[null, "/workspace", "", null]"#)
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func limitsHoldForTheCodeAndNotForTheNextOne() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let code =
            "import resource as r\ndef handler(e): return [r.getrlimit(l)[1] for l in (r.RLIMIT_NPROC, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)]"
        var request = ExecuteRequest.make(.python, code)
        request.limits = ProcessLimits(maximumProcesses: 50, maximumFileSize: 1 << 33, maximumOpenFiles: 64)
        #expect(try await agent.run(request).value == "[50, 8589934592, 64, 0]")
        #expect(try await agent.run(.python, code).value != "[50, 8589934592, 64, 0]")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func metricsAreMeasured() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let end = try await agent.run(
            .python,
            "import time\ndef handler(e):\n  b = bytearray(64 << 20)\n  open('f', 'w').write('x' * 100000)\n  t = time.process_time()\n  while time.process_time() < t + 0.1: pass"
        )
        #expect(end.metrics.cpu >= .milliseconds(100))
        #expect(end.metrics.wall >= .milliseconds(100))
        #expect(end.metrics.peakMemoryKiB >= 64 << 10)
        #expect(end.metrics.ioWriteBytes >= 100_000)
        let small = try await agent.run(.python, "open('f').read()")
        #expect(small.metrics.ioReadBytes >= 100_000)
        #expect(small.metrics.peakMemoryKiB < 64 << 10)
        let child = try await agent.run(
            .python,
            "import os\nos.system('i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done')"
        )
        #expect(child.metrics.cpu >= .milliseconds(20))
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func aCancelledExecutionEndsAndTheNextOneRuns() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        try await agent.send(.execute(.make(.python, "open('started', 'w')\nwhile True: pass", id: "a")))
        try await agent.send(.execute(.make(.python, "print('never')", id: "b")))
        try await agent.send(.execute(.make(.python, "print('c')", id: "c")))
        try await agent.send(.cancel(AgentExecutionID("b")))
        let waiting = try await agent.end()
        #expect(waiting.id.rawValue == "b" && waiting.reason == .cancelled && waiting.out == "")
        try await agent.send(.cancel(AgentExecutionID("a")))
        let running = try await agent.end()
        #expect(running.id.rawValue == "a" && running.reason == .cancelled)
        let last = try await agent.end()
        #expect(last.id.rawValue == "c" && last.out == "c\n")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func aDeadInterpreterIsReplaced() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        #expect(try await agent.run(.python, "print(1)").out == "1\n")
        // The first child of the agent: it was there before the one forked ahead.
        let zygote = try #require(agent.childrenOfFirstProcess().min())
        kill(zygote, SIGKILL)
        for number in 0..<3 { #expect(try await agent.run(.python, "print(\(number))").out == "\(number)\n") }
        #expect(try #require(agent.childrenOfFirstProcess().min()) != zygote)
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func anInterpreterThatNeverStartsIsAFault() async throws {
        // A program that ends at once in the place of Python.
        let agent = try await SandboxedAgent.start(AgentConfiguration(pythonPath: "/usr/bin/true"))
        guard case .fault(let problem) = try await agent.receive() else {
            Issue.record("no fault")
            return
        }
        #expect(problem.contains("Python"))
        await #expect(throws: (any Error).self) { try await agent.receive() }
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func whatIsNotAFrameEndsTheAgent() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        try await agent.send(bytes: [255, 255, 255, 255, 0])
        guard case .fault(let problem) = try await agent.receive() else {
            Issue.record("no fault")
            return
        }
        #expect(problem.contains("4294967295"))
        await #expect(throws: (any Error).self) { try await agent.receive() }
        await agent.stop()
    }

    @Test func theSweepRefusesWithoutAPIDNamespaceOfItsOwn() {
        #expect(getpid() != 1)
        #expect(csa_sweep([], 0) == -EPERM)
    }
}
