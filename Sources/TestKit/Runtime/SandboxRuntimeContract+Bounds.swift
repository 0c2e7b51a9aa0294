import SandboxRuntime
import Testing

extension SandboxRuntimeContract {
    /// Whether the daemon of an earlier order lives. Its number goes to nobody else so soon.
    private static let census = "test -e /proc/$(cat daemon) && echo alive || echo dead; rm daemon"

    /// A daemon as daemons are made: a new session, then a second fork, with all descriptors still open.
    private static let daemon = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open('/workspace/new', 'w').write(str(os.getpid()))
                os.rename('/workspace/new', '/workspace/daemon')
                while True: time.sleep(60)
            os._exit(0)
        while not os.path.exists('/workspace/daemon'): time.sleep(0.001)

        """

    func verifyBounds(_ subject: Subject) async throws {
        switch self {
        case .killsEverythingAtTheTimeout:
            let sandbox = try await subject.start()
            let code = Self.daemon + "print('so far', flush=True)\nwhile True: pass\n"
            // Long enough for a busy machine to get to the loop, which has no end of its own.
            let report = try await sandbox.run(.python, code, timeout: .seconds(3))
            #expect(report.outcome == .timedOut, "\(report.summary)")
            #expect(report.output == "so far\n")
            // A busy machine may be late; who misses the timeout never ends the loop.
            #expect(report.metrics.duration >= .seconds(3) && report.metrics.duration < .seconds(30))
            #expect(try await sandbox.run(.shell, Self.census).output == "dead\n")

        case .leavesNoProcessOfAnOrder:
            let sandbox = try await subject.start()
            for _ in 0..<3 {
                let report = try await sandbox.run(
                    .python,
                    Self.daemon
                )
                #expect(report.outcome == .exited(code: 0), "\(report.summary)")
                #expect(try await sandbox.run(.shell, Self.census).output == "dead\n")
            }

        case .keepsFilesFromOneOrderToTheNext:
            let sandbox = try await subject.start()
            _ = try await sandbox.run(
                .shell,
                "echo one > /workspace/file; echo two > /tmp/file; umask 077; mkdir d; echo three > d/file"
            )
            let report = try await sandbox.run(
                .python,
                "print(open('/workspace/file').read() + open('/tmp/file').read())"
            )
            #expect(report.output == "one\ntwo\n\n", "\(report.summary)")
            await sandbox.stop()
            let next = try await subject.start()
            #expect(try await next.run(.shell, "cat file /tmp/file d/file; touch d/more").output == "one\ntwo\nthree\n")

        case .survivesAForkBomb:
            let sandbox = try await subject.start { $0.limits.maxProcesses = 64 }
            let bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
            let report = try await sandbox.run(.python, bomb, timeout: .seconds(1))
            #expect(report.outcome == .timedOut, "\(report.summary)")
            #expect(try await sandbox.run(.python, "print('alive')").output == "alive\n")
            let count = """
                import os
                n = 0
                try:
                    while n < 200:
                        if os.fork() == 0: os.read(r, 1) if (r := os.pipe()[0]) else None
                        n += 1
                except OSError: pass
                print(n)
                """
            let forked = try await sandbox.run(.python, count)
            #expect((Int(forked.output.prefix { $0.isNumber }) ?? 1000) < 64, "\(forked.summary)")

        case .limitsMemory:
            guard await subject.runtime.capabilities().memory.enforcement != .none else { return }
            let sandbox = try await subject.start { $0.limits.memoryBytes = 96 << 20 }
            let report = try await sandbox.run(.python, "x = b'x' * (256 << 20)\nprint(len(x))\n")
            #expect(report.outcome == .outOfMemory, "\(report.summary)")
            let small = try await sandbox.run(.python, "x = b'x' * (16 << 20)\nprint(len(x))\n")
            #expect(small.output == "\(16 << 20)\n", "\(small.summary)")

        case .limitsTheSizeOfAFile:
            let sandbox = try await subject.start { $0.limits.diskBytes = 1 << 20 }
            let report = try await sandbox.run(.shell, "head -c 5000000 /dev/zero > big; wc -c < big")
            #expect(report.output.filter(\.isNumber) == "\(1 << 20)", "\(report.summary)")

        case .appliesOtherLimitsWhileItRuns:
            guard await subject.runtime.capabilities().memory.enforcement != .none else { return }
            let sandbox = try await subject.start()
            let code = "x = b'x' * (128 << 20)\nprint(len(x))\n"
            #expect(try await sandbox.run(.python, code).output == "\(128 << 20)\n")
            try await sandbox.apply(ResourceLimits(memoryBytes: 64 << 20))
            #expect(try await sandbox.run(.python, code).outcome == .outOfMemory)
            try await sandbox.apply(ResourceLimits(memoryBytes: 512 << 20))
            #expect(try await sandbox.run(.python, code).output == "\(128 << 20)\n")

        default: Issue.record("\(self) is checked elsewhere")
        }
    }
}
