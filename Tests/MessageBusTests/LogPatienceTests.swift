import MessageBus
import ServiceKit
import Testing

@Suite struct LogPatienceTests {
    private static let patience = LogPatience(logger: .disabled, pause: .milliseconds(1))

    @Test(.timeLimit(.minutes(10))) func asksAgainWhileTheAnswerMayPass() async throws {
        let asked = Locked(0)
        let answer = try await Self.patience.answer {
            let count = asked.withLock { count in
                count += 1
                return count
            }
            guard count == 4 else { throw BusError(.unavailable, "no leader") }
            return count
        }
        #expect(answer == 4)
    }

    @Test(.timeLimit(.minutes(10))) func throwsWhatDoesNotPass() async throws {
        let error = await #expect(throws: BusError.self) {
            _ = try await Self.patience.answer { () async throws -> Int in throw BusError(.storage, "refused") }
        }
        #expect(error?.code == .storage)
    }

    /// A service that waits is stopped at once, and has not failed.
    @Test(.timeLimit(.minutes(10))) func endsWhenTheServiceIsAskedToStop() async throws {
        let waiting = Signal()
        let group = ServiceGroup(
            [Waiting(waiting: waiting)],
            drainTimeout: .seconds(50),
            signals: [],
            logger: .disabled
        )
        let running = Task { try await group.run() }
        try await waiting.wait()
        group.shutDown()
        try await running.value
    }

    private struct Waiting: Service {
        let waiting: Signal

        func run() async throws {
            let patience = LogPatience(logger: .disabled, pause: .seconds(3600))
            let answer = try await patience.answer { () async throws -> Int in
                self.waiting.fire()
                throw BusError(.unavailable, "down")
            }
            #expect(answer == nil)
        }
    }
}
