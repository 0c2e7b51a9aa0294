import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct SignalTests {
    @Test func releasesEveryoneWhoWaitsAndWhoComesLater() async throws {
        let signal = Signal()
        let arrived = (0..<10).map { _ in Signal() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for index in 0..<10 {
                tasks.addTask {
                    arrived[index].fire()
                    try await signal.wait()
                }
            }
            for other in arrived { try await other.wait() }
            #expect(!signal.isFired)
            signal.fire()
            signal.fire()
            try await tasks.waitForAll()
        }
        try await signal.wait()
        #expect(signal.isFired)
    }

    @Test func aCancelledWaiterLeavesAlone() async throws {
        let signal = Signal()
        let cancelled = Task { try await signal.wait() }
        let staying = Task { try await signal.wait() }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        signal.fire()
        try await staying.value
    }

    @Test func aTaskThatWasCancelledBeforeDoesNotWait() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await Signal().wait()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func outsideOfAGroupNobodyAsks() async throws {
        let task = Task { try await gracefulShutdown() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func manyFireAndCancelAtTheSameTime() async {
        for _ in 0..<500 {
            let signal = Signal()
            let waiter = Task { try? await signal.wait() }  // Fired or cancelled, whichever was first.
            let firing = Task { signal.fire() }
            waiter.cancel()
            await waiter.value
            await firing.value
            #expect(signal.isFired)
        }
    }
}
