import Testing

@testable import ServiceKit

@Suite struct ShutdownDeadlineTests {
    /// Hears neither a request nor a cancellation.
    private struct DeafService: Service {
        let started: Signal
        let letGo: Signal
        func run() async throws {
            self.started.fire()
            await Task { try? await self.letGo.wait() }.value
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatDoesNotStopIsCutOff() async throws {
        let (started, letGo) = (Signal(), Signal())
        // In its place the process would end, and with it the service.
        let deadline = ShutdownDeadline(drainTimeout: .milliseconds(1), grace: .milliseconds(20), logger: .disabled) {
            letGo.fire()
        }
        let group = ServiceGroup(
            [DeafService(started: started, letGo: letGo)],
            drainTimeout: .milliseconds(1),
            signals: [],
            deadline: deadline,
            logger: .disabled
        )
        async let ended: Void = group.run()
        try await started.wait()
        #expect(!letGo.isFired)
        group.shutDown()
        try await ended
        #expect(letGo.isFired)
    }

    @Test(.timeLimit(.minutes(10))) func theProcessItselfIsEnded() async {
        await #expect(processExitsWith: .exitCode(ShutdownDeadline.status)) {
            let group = ServiceGroup(
                [DeafService(started: Signal(), letGo: Signal())],
                drainTimeout: .milliseconds(1),
                signals: [],
                deadline: ShutdownDeadline(drainTimeout: .milliseconds(1), grace: .zero, logger: .disabled),
                logger: .disabled
            )
            group.shutDown()
            try await group.run()
        }
    }

    @Test(.timeLimit(.minutes(10))) func oneThatIsCancelledInTimeEndsNothing() async throws {
        let (early, late) = (Signal(), Signal())
        let cancelled = ShutdownDeadline(drainTimeout: .zero, grace: .seconds(3), logger: .disabled) {
            early.fire()
        }
        cancelled.start()
        cancelled.cancel()
        let other = ShutdownDeadline(drainTimeout: .zero, grace: .milliseconds(3200), logger: .disabled) { late.fire() }
        other.start()
        other.start()
        try await late.wait()
        #expect(!early.isFired)
        cancelled.start()
        #expect(!early.isFired)
    }
}
