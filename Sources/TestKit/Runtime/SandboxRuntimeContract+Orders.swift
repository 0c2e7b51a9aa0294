import SandboxRuntime
import Testing

extension SandboxRuntimeContract {
    func verifyOrders(_ subject: Subject) async throws {
        switch self {
        case .runsAnOrder:
            let sandbox = try await subject.start()
            let report = try await sandbox.run(.shell, "exit 0")
            #expect(report.outcome == .exited(code: 0))

        case .refusesAnUnknownImageNamingTheKnown:
            #expect(throws: Never.self) { try subject.runtime.resolve(image: subject.makeSpec("a").image) }
            let error = await #expect(throws: RuntimeError.self) {
                _ = try await subject.start { $0.image = "no-such-image" }
            }
            #expect(error?.code == .unknownImage)
            #expect(error?.message.contains(try subject.makeSpec("a").image) == true)

        case .refusesASecondSandboxOfTheSameID:
            let first = try await subject.start()
            let error = await #expect(throws: RuntimeError.self) { _ = try await subject.start() }
            #expect(error?.code == .invalidSpec)
            #expect(try await first.run(.shell, "exit 0").outcome == .exited(code: 0))

        case .runsOneOrderAtATime:
            let sandbox = try await subject.start()
            async let first = sandbox.execute(subject.endlessOrder)
            try await subject.awaitRunning(sandbox)
            let error = await #expect(throws: RuntimeError.self) { _ = try await sandbox.run(.shell, "exit 0") }
            #expect(error?.code == .busy)
            await sandbox.cancel(subject.endlessOrder.id)
            #expect(try await first.outcome == .cancelled)

        case .cancelsAnOrder:
            let sandbox = try await subject.start()
            async let running = sandbox.execute(subject.endlessOrder)
            try await subject.awaitRunning(sandbox)
            await sandbox.cancel(OrderID("another"))
            await sandbox.cancel(subject.endlessOrder.id)
            let report = try await running
            #expect(report.outcome == .cancelled)
            #expect(report.id == subject.endlessOrder.id)
            #expect(try await sandbox.run(.shell, "exit 0").outcome == .exited(code: 0))

        case .cancelsAnOrderWithItsTask:
            let sandbox = try await subject.start()
            let task = Task { try await sandbox.execute(subject.endlessOrder) }
            try await subject.awaitRunning(sandbox)
            task.cancel()
            #expect(try await task.value.outcome == .cancelled)

        case .ignoresACancelThatComesTooLate:
            let sandbox = try await subject.start()
            let report = try await sandbox.run(.shell, "exit 0")
            await sandbox.cancel(report.id)
            #expect(try await sandbox.run(.shell, "exit 0").outcome == .exited(code: 0))

        default: Issue.record("\(self) is checked elsewhere")
        }
    }
}
