import Foundation
import Messages
import SandboxRuntime
import ServiceKit
import Testing

@testable import WorkerNode

private let isPossible = ["/usr/bin/bwrap", "/usr/bin/python3.11"].allSatisfy {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// The worker over real sandboxes: what a fake cannot show.
@Suite(.enabled(if: isPossible, "bwrap or /usr/bin/python3.11 is missing")) struct BubblewrapWorkerTests {
    /// The agent that was built with these tests.
    private static let agentPath: String = {
        if let directory = ProcessInfo.processInfo.environment["SANDBOX_BIN_DIR"] {
            return "\(directory)/sandbox-agent"
        }
        return Bundle.main.bundleURL.appendingPathComponent("sandbox-agent").path
    }()

    private static let image = "python-basic"

    /// Runs a worker over a runtime of its own, as a process would.
    private func run<T: Sendable>(
        _ fixture: WorkerFixture,
        warmPoolSize: Int = 0,
        _ body: (Dispatcher, WorkerNode) async throws -> T
    ) async throws -> T {
        let runtime = try BubblewrapRuntime(
            configuration: BubblewrapConfiguration(
                stateDirectory: "\(fixture.folder)/state",
                agentPath: Self.agentPath
            )
        )
        let worker = try fixture.worker(runtime, warmPoolSize: warmPoolSize, image: Self.image)
        let result: Result<T, any Error>
        do {
            result = .success(try await fixture.run(worker) { try await body($0, worker) })
        } catch {
            result = .failure(error)
        }
        await runtime.shutDown()
        return try result.get()
    }

    private func outcome(_ code: String, of spec: SessionSpec, _ dispatcher: Dispatcher) async throws
        -> ExecutionOutcome
    {
        let execution = spec.execution(ExecutionID.make().rawValue, code: code, timeoutSeconds: 20)
        try await dispatcher.send(.execute(execution, attempt: 1))
        let ended = try await dispatcher.nextEnd()
        #expect(ended.reference.execution == execution.id)
        return ended.outcome
    }

    @Test(.timeLimit(.minutes(10))) func aClaimedSandboxRunsPython() async throws {
        let fixture = try await WorkerFixture()
        try await self.run(fixture, warmPoolSize: 1) { dispatcher, worker in
            try await until { worker.pool.readyCounts.values.reduce(0, +) != 0 }
            let pooled = worker.pool.containers
            let spec = SessionSpec.sample(image: Self.image)
            let container = try #require(try await dispatcher.ready(spec).container)
            #expect(pooled.contains(container.rawValue))
            let outcome = try await self.outcome("def handler(event):\n    return [1, event]", of: spec, dispatcher)
            #expect(outcome.status == .completed)
            #expect(outcome.returnValue.map { String(decoding: $0, as: UTF8.self) } == "[1, {}]")
            let failed = try await self.outcome("raise ValueError('no')", of: spec, dispatcher)
            #expect(failed.status == .failed && failed.errorMessage == "ValueError: no" && failed.exitCode == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func filesSurviveARestartAndProcessesDoNot() async throws {
        let fixture = try await WorkerFixture()
        let spec = SessionSpec.sample(image: Self.image)
        let container = try await self.run(fixture) { dispatcher, _ in
            let container = try #require(try await dispatcher.ready(spec).container)
            let code = """
                import subprocess
                open('kept', 'w').write('here')
                subprocess.Popen(['/bin/sh', '-c', 'sleep 1000 & sleep 1000'], start_new_session=True)
                """
            #expect(try await self.outcome(code, of: spec, dispatcher).status == .completed)
            let left = try await self.outcome(
                """
                import os
                def handler(event):
                    names = [open(f'/proc/{p}/comm').read().strip() for p in os.listdir('/proc') if p.isdigit()]
                    return names.count('sleep')
                """,
                of: spec,
                dispatcher
            )
            #expect(left.returnValue == Array("0".utf8))
            return container
        }
        try await self.run(fixture) { dispatcher, worker in
            let ready = try await dispatcher.ready(spec, container: container)
            #expect(ready.container == container)
            let outcome = try await self.outcome(
                "def handler(event):\n    return open('kept').read()",
                of: spec,
                dispatcher
            )
            #expect(outcome.returnValue == Array("\"here\"".utf8))
            let file = try await worker.workspaces.workspace(of: container.rawValue).read(WorkspacePath("kept"))
            let local = try #require(file as? WorkspaceFile)
            #expect(try await local.read(at: 0, count: 10) == Array("here".utf8))
        }
    }

    @Test(.timeLimit(.minutes(10))) func anUploadIsSeenByTheNextExecution() async throws {
        let fixture = try await WorkerFixture()
        try await self.run(fixture) { dispatcher, worker in
            let spec = SessionSpec.sample(image: Self.image)
            let container = try #require(try await dispatcher.ready(spec).container)
            let workspace = try await worker.workspaces.workspace(of: container.rawValue)
            let upload = try await workspace.write(WorkspacePath("in/data.txt"))
            try await upload.append(Array("42".utf8))
            try await upload.commit()
            let code = """
                def handler(event):
                    value = open('in/data.txt').read()
                    open('in/data.txt', 'w').write('mine')
                    return value
                """
            let outcome = try await self.outcome(code, of: spec, dispatcher)
            #expect(outcome.returnValue == Array("\"42\"".utf8), "\(outcome)")
        }
    }

    @Test(.timeLimit(.minutes(10))) func codeThatKillsItsSandboxCrashesAndTheSessionGoesOn() async throws {
        let fixture = try await WorkerFixture()
        try await self.run(fixture) { dispatcher, worker in
            let spec = SessionSpec.sample(image: Self.image, memoryBytes: 64 << 20)
            _ = try await dispatcher.ready(spec)
            let status = await worker.status()
            guard status.capabilities.memory.enforcement != .processLimit else { return }
            let hungry = "x = []\nwhile True:\n    x.append(bytearray(1 << 20))"
            let crashed = try await self.outcome(hungry, of: spec, dispatcher)
            #expect(crashed.status == .crashed)
            #expect(crashed.errorMessage?.contains("out of memory") == true, "\(crashed.errorMessage ?? "")")
            let next = try await self.outcome("def handler(event):\n    return 1", of: spec, dispatcher)
            #expect(next.status == .completed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anEndlessLoopIsCancelled() async throws {
        let fixture = try await WorkerFixture()
        try await self.run(fixture) { dispatcher, _ in
            let spec = SessionSpec.sample(image: Self.image)
            _ = try await dispatcher.ready(spec)
            let execution = spec.execution(code: "print('begun', flush=True)\nwhile True: pass")
            try await dispatcher.send(
                .execute(execution, attempt: 1),
                .cancel(ExecutionReference(execution: execution.id, session: spec.id, attempt: 1))
            )
            #expect(try await dispatcher.nextEnd().outcome.status == .cancelled)
            #expect(try await self.outcome("print(1)", of: spec, dispatcher).stdout == Array("1\n".utf8))
        }
    }
}
