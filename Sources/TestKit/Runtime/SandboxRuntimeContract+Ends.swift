import SandboxRuntime
import Testing

extension SandboxRuntimeContract {
    func verifyEnds(_ subject: Subject) async throws {
        switch self {
        case .tellsItsEndOnceStopped:
            let sandbox = try await subject.start()
            async let end = sandbox.ended()
            await sandbox.stop()
            await sandbox.stop()
            #expect(try await end.reason == .stopped)
            #expect(try await sandbox.ended().reason == .stopped)
            let error = await #expect(throws: RuntimeError.self) { _ = try await sandbox.run(.shell, "exit 0") }
            #expect(error?.code == .sandboxLost)
            let other = await #expect(throws: RuntimeError.self) { try await sandbox.apply(ResourceLimits()) }
            #expect(other?.code == .sandboxLost)

        case .startsAgainAfterStopping:
            let first = try await subject.start()
            await first.stop()
            let second = try await subject.start()
            #expect(second.id == first.id)
            #expect(second.handle != first.handle)
            #expect(try await second.run(.shell, "exit 0").outcome == .exited(code: 0))

        case .losesARunningOrderWithTheSandbox:
            let sandbox = try await subject.start()
            let task = Task { try await sandbox.execute(subject.endlessOrder) }
            try await subject.awaitRunning(sandbox)
            try await subject.kill(sandbox)
            let error = await #expect(throws: RuntimeError.self) { _ = try await task.value }
            #expect(error?.code == .sandboxLost)
            #expect(try await sandbox.ended().reason == .killed(signal: 9))
            await sandbox.stop()
            #expect(try await sandbox.ended().reason == .killed(signal: 9))

        case .interruptsWhoWaitsForTheEnd:
            let sandbox = try await subject.start()
            let task = Task { try await sandbox.ended() }
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            #expect(try await sandbox.run(.shell, "exit 0").outcome == .exited(code: 0))

        case .leavesNothingOfACancelledStart:
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await subject.start()
            }
            let error = await #expect(throws: RuntimeError.self) { _ = try await task.value }
            #expect(error?.code == .cancelled)
            let sandbox = try await subject.start()
            #expect(try await sandbox.run(.shell, "exit 0").outcome == .exited(code: 0))

        case .endsEverythingOnShutDown:
            let sandboxes = [try await subject.start("one"), try await subject.start("two")]
            await subject.runtime.shutDown()
            for sandbox in sandboxes { #expect(try await sandbox.ended().reason == .stopped) }
            let error = await #expect(throws: RuntimeError.self) { _ = try await subject.start("three") }
            #expect(error?.code == .unavailable)
            await subject.runtime.shutDown()

        default: Issue.record("\(self) is checked elsewhere")
        }
    }
}
