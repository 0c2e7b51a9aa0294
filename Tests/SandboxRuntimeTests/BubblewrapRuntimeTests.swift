import Foundation
import Glibc
import SandboxRuntime
import ServiceKit
import Testing

@testable import SandboxRuntime

@Suite(.serialized) struct BubblewrapRuntimeTests {
    private func shell(_ code: String, _ id: String = "o") -> ExecutionOrder {
        ExecutionOrder(id: OrderID(id), language: .shell, code: Array(code.utf8))
    }

    @Test(.timeLimit(.minutes(10))) func saysWhatHolds() async throws {
        let fixture = try BubblewrapFixture()
        let found = await fixture.runtime.capabilities()
        #expect(found.problem == nil)
        #expect(found.isolatesNetwork)
        #expect(found.isolatesUsers == (geteuid() == 0))
        #expect(found.languages[.python] == .available)
        #expect(found.languages[.shell] == .available)
        #expect(found.images.contains("python-basic"))
        #expect(!found.survivesRestart)
        // The trial leaves nothing, and is not repeated.
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.directory)/state")
        #expect(!left.contains { $0.hasPrefix("trial") })
        #expect(await fixture.runtime.capabilities() == found)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func limitsByRlimitsWithoutControlGroups() async throws {
        let fixture = try BubblewrapFixture { $0.usesControlGroups = false }
        let found = await fixture.runtime.capabilities()
        #expect(found.memory.enforcement == .none && !found.memory.note.isEmpty)
        #expect(found.processes.enforcement == .processLimit)
        let sandbox = try await fixture.runtime.start(fixture.spec("a") { $0.limits.maxProcesses = 20 })
        let report = try await sandbox.execute(
            self.shell("for i in $(seq 100); do sleep 60 & done 2>/dev/null; echo; jobs -p | wc -l")
        )
        #expect(report.outcome != .exited(code: 0) || (Int(report.output.filter(\.isNumber)) ?? 100) < 20)
        #expect(try await sandbox.execute(self.shell("echo alive")).output == "alive\n")
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10)), .enabled(if: geteuid() == 0, "needs root to have more than one user"))
    func givesEachSandboxAUserOfItsOwn() async throws {
        let fixture = try BubblewrapFixture()
        let first = try await fixture.runtime.start(fixture.spec("a"))
        let second = try await fixture.runtime.start(fixture.spec("b"))
        let owners = try [first, second].map { try #require($0.fileOwner?.user) }
        #expect(Set(owners).count == 2)
        for (sandbox, owner) in zip([first, second], owners) {
            #expect(owner >= 200_000)
            _ = try await sandbox.execute(self.shell("echo x > f"))
            var status = stat()
            #expect(stat("\(try fixture.spec("\(sandbox.id)").workspacePath)/f", &status) == 0)
            #expect(status.st_uid == owner)
            let agent = try #require((sandbox as? BubblewrapSandbox)?.agentProcessID)
            #expect(stat("/proc/\(agent)", &status) == 0 && status.st_uid == owner)
        }
        // Who comes back to his files is their owner again.
        await first.stop()
        let again = try await fixture.runtime.start(fixture.spec("a"))
        #expect(again.fileOwner == first.fileOwner)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func leavesNoProcessOfAStoppedSandbox() async throws {
        let fixture = try BubblewrapFixture()
        let sandbox = try await fixture.runtime.start(fixture.spec("a"))
        let agent = try #require((sandbox as? BubblewrapSandbox)?.agentProcessID)
        let endless = Task {
            try await sandbox.execute(self.shell("sleep 1000 & sleep 1000 & while true; do sleep 1; done"))
        }
        // Its children, by the kernel's own list, until there are some.
        func descendants(_ pid: Int32) -> [Int32] {
            let text = TextFile.read("/proc/\(pid)/task/\(pid)/children") ?? ""
            let children = text.split(separator: " ").compactMap { Int32($0) }
            return children + children.flatMap(descendants)
        }
        var family: [Int32] = []
        while family.count < 4 {
            family = descendants(agent)
            await Task.yield()
        }
        await sandbox.stop()
        for pid in family + [agent] { #expect(kill(pid, 0) != 0 && errno == ESRCH, "\(pid) lives") }
        let error = await #expect(throws: RuntimeError.self) { _ = try await endless.value }
        #expect(error?.code == .sandboxLost)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func leavesNoGroupOfAStoppedSandbox() async throws {
        let fixture = try BubblewrapFixture()
        let sandbox = try await fixture.runtime.start(fixture.spec("a"))
        let groups = (sandbox as? BubblewrapSandbox)?.groupPaths ?? []
        #expect(groups.allSatisfy { access($0, F_OK) == 0 })
        await sandbox.stop()
        #expect(groups.allSatisfy { access($0, F_OK) != 0 })
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10)), .enabled(if: geteuid() == 0, "needs root to make control groups"))
    func removesGroupsThatNobodyKnows() async throws {
        let fixture = try BubblewrapFixture()
        let sandbox = try await fixture.runtime.start(fixture.spec("mine"))
        let groups = (sandbox as? BubblewrapSandbox)?.groupPaths ?? []
        try #require(!groups.isEmpty, "needs control groups")
        for group in groups { #expect(mkdir(group.replacingOccurrences(of: "/mine", with: "/lost"), 0o755) == 0) }
        for group in groups { #expect(mkdir(group.replacingOccurrences(of: "/mine", with: "/known"), 0o755) == 0) }
        let report = await fixture.runtime.removeLeftovers(keeping: [try SandboxID("known")])
        #expect(report == LeftoverReport(processesKilled: 0, groupsRemoved: groups.count))
        #expect(try await sandbox.execute(self.shell("echo alive")).output == "alive\n")
        let rest = await fixture.runtime.removeLeftovers(keeping: [])
        #expect(rest.groupsRemoved == groups.count)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func lookingForLeftoversSparesWhatStartsMeanwhile() async throws {
        let fixture = try BubblewrapFixture()
        let isDone = Locked(false)
        async let looking: Void = {
            while !Task.isCancelled, !isDone.withLock({ $0 }) { _ = await fixture.runtime.removeLeftovers(keeping: []) }
        }()
        var sandboxes: [any Sandbox] = []
        for number in 0..<20 { sandboxes.append(try await fixture.runtime.start(fixture.spec("s\(number)"))) }
        for (number, sandbox) in sandboxes.enumerated() {
            let order = ExecutionOrder(id: OrderID("e\(number)"), language: .python, code: Array("1".utf8))
            #expect(try await sandbox.execute(order).outcome == .exited(code: 0))
        }
        isDone.withLock { $0 = true }
        await looking
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func isAloneInItsStateDirectory() async throws {
        let fixture = try BubblewrapFixture()
        let error = #expect(throws: RuntimeError.self) {
            _ = try BubblewrapRuntime(configuration: fixture.runtime.configuration)
        }
        #expect(error?.code == .unavailable)
        await fixture.runtime.shutDown()
        let next = try BubblewrapRuntime(configuration: fixture.runtime.configuration)
        await next.shutDown()
        try await fixture.close()
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            ("#!/bin/sh\necho no luck >&2\nexit 3\n", RuntimeError.Code.startFailed, "no luck"),
            ("#!/bin/sh\necho waiting >&2\nsleep 1000\n", .startTimedOut, "waiting"),
            ("#!/bin/sh\nprintf 'XXXXXXXXXXXXXXXX' >&3\nsleep 1000\n", .startFailed, "broke the protocol"),
        ]
    )
    func tellsWhyAnAgentIsNotReady(_ script: String, _ code: RuntimeError.Code, _ text: String) async throws {
        let agent = "\(BubblewrapFixture.temporary)/agent-test-\(UUID().uuidString)"
        try Data(script.utf8).write(to: URL(fileURLWithPath: agent))
        #expect(chmod(agent, 0o755) == 0)
        let fixture = try BubblewrapFixture {
            $0.agentPath = agent
            $0.startTimeout = code == .startTimedOut ? .seconds(4) : .seconds(60)
        }
        let error = await #expect(throws: RuntimeError.self) { _ = try await fixture.runtime.start(fixture.spec("a")) }
        #expect(error?.code == code)
        #expect(error?.description.contains(text) == true, "\(String(describing: error))")
        // The id is free again, so nothing of it is left.
        let again = await #expect(throws: RuntimeError.self) { _ = try await fixture.runtime.start(fixture.spec("a")) }
        #expect(again?.code == code)
        try await fixture.close()
        unlink(agent)
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["bwrap", "agent"])
    func namesTheProgramThatIsMissing(_ which: String) async throws {
        let fixture = try BubblewrapFixture {
            if which == "bwrap" { $0.bwrapPath = "/none/bwrap" } else { $0.agentPath = "/none/agent" }
        }
        let error = await #expect(throws: RuntimeError.self) { _ = try await fixture.runtime.start(fixture.spec("a")) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("/none/\(which)") == true)
        #expect(await fixture.runtime.capabilities().problem?.contains("/none/\(which)") == true)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func givesNoNetworkUnlessTheInstallationAllowsIt() async throws {
        let fixture = try BubblewrapFixture()
        let error = await #expect(throws: RuntimeError.self) {
            _ = try await fixture.runtime.start(fixture.spec("a") { $0.hasNetwork = true })
        }
        #expect(error?.code == .unsupported)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func showsTheDirectoriesThatAreConfigured() async throws {
        let visible = "/var/tmp/visible-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: visible, withIntermediateDirectories: true)
        try Data("shown".utf8).write(to: URL(fileURLWithPath: "\(visible)/f"))
        #expect(chmod(visible, 0o755) == 0)
        let fixture = try BubblewrapFixture { $0.visibleDirectories = [visible] }
        let sandbox = try await fixture.runtime.start(fixture.spec("a"))
        #expect(try await sandbox.execute(self.shell("cat \(visible)/f; echo x > \(visible)/f")).output == "shown")
        try await fixture.close()
        try await WorkspaceDirectory.removeFolder(visible)
    }

    @Test(.timeLimit(.minutes(10))) func runsAnUnpackedRootFileSystem() async throws {
        let root = "\(BubblewrapFixture.temporary)/root-\(UUID().uuidString)"
        let fixture = try {
            for name in ["etc", "usr", "tmp", "proc"] {
                try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
            }
            try Data("from the image".utf8).write(to: URL(fileURLWithPath: "\(root)/etc/mark"))
            for name in ["bin", "lib", "lib64"] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/\(name)",
                    withDestinationPath: "usr/\(name)"
                )
            }
            return try BubblewrapFixture {
                $0.images = ["unpacked": .rootDirectory(root)]
                // An image this small borrows the host's programs.
                $0.visibleDirectories = ["/usr"]
            }
        }()
        let sandbox = try await fixture.runtime.start(fixture.spec("a") { $0.image = "unpacked" })
        #expect(try await sandbox.execute(self.shell("cat /etc/mark; ls /etc")).output == "from the imagemark\n")
        try await fixture.close()
        try await WorkspaceDirectory.removeFolder(root)
    }

    @Test(.timeLimit(.minutes(10))) func startsAndStopsManyAtOnce() async throws {
        let fixture = try BubblewrapFixture()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<16 {
                group.addTask {
                    let sandbox = try await fixture.runtime.start(fixture.spec("s\(index)"))
                    #expect(try await sandbox.execute(self.shell("echo \(index)")).output == "\(index)\n")
                    await sandbox.stop()
                }
            }
            try await group.waitForAll()
        }
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func carriesLargeOrdersAndReports() async throws {
        let fixture = try BubblewrapFixture()
        let sandbox = try await fixture.runtime.start(fixture.spec("a"))
        let text = String(repeating: "x", count: 3_000_000)
        var order = ExecutionOrder(
            id: OrderID("o"),
            language: .python,
            code: Array("def handler(e):\n    print(e, end='')\n    return e\n".utf8)
        )
        order.event = Array("\"\(text)\"".utf8)
        order.stdoutLimit = 4 << 20
        order.resultLimit = 4 << 20
        let report = try await sandbox.execute(order)
        #expect(report.stdout.bytes.count == 3_000_000)
        #expect(report.returnValue?.count == 3_000_002)
        order.event = Array(repeating: UInt8(ascii: "1"), count: 17 << 20)
        let error = await #expect(throws: RuntimeError.self) { _ = try await sandbox.execute(order) }
        #expect(error?.code == .invalidOrder)
        #expect(try await sandbox.execute(self.shell("echo alive")).output == "alive\n")
        try await fixture.close()
    }
}

extension ExecutionReport {
    fileprivate var output: String { String(decoding: self.stdout.bytes, as: UTF8.self) }
}
