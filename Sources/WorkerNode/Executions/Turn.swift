import SandboxRuntime
import ServiceKit

/// Why an order that had come does not start.
enum Refusal: Sendable, Equatable {
    case cancelled
    case sessionEnded
    /// The sandbox it waited for cannot be had.
    case noSandbox(reason: String)
    case shutDown
}

/// The place in the queue of an order that cannot run at once.
final class Turn: Sendable {
    enum Answer: Sendable {
        case run(any Sandbox)
        case refused(Refusal)
    }

    private enum State: Sendable {
        case open
        case awaited(CheckedContinuation<Answer, Never>)
        case answered(Answer)
    }

    private let state = Locked(State.open)
    /// Fires when the order is to be cancelled after its turn has come.
    let cancellation = Signal()

    /// Suspends until the turn comes or is refused, whatever happens to the task: somebody always answers.
    func answer() async -> Answer {
        await withCheckedContinuation { continuation in
            let answer: Answer? = self.state.withLock { state in
                if case .answered(let answer) = state { return answer }
                state = .awaited(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Answers once; further answers are ignored.
    func give(_ answer: Answer) {
        let continuation: CheckedContinuation<Answer, Never>? = self.state.withLock { state in
            switch state {
            case .open:
                state = .answered(answer)
                return nil
            case .awaited(let continuation):
                state = .answered(answer)
                return continuation
            case .answered:
                return nil
            }
        }
        continuation?.resume(returning: answer)
    }
}
