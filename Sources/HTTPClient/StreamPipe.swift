import ServiceKit

/// Between the client's thread, which fills it, and the one task that reads a stream.
final class StreamPipe: Sendable {
    /// Bytes that may wait for the reader before libcurl is paused.
    private static let capacity = 256 * 1024

    private struct State: Sendable {
        var head: HTTPClientResponse?
        var pieces: [[UInt8]] = []
        var size = 0
        var isPaused = false
        var end: Result<Void, HTTPClientError>?
        /// The reader, waiting for any of the above to change.
        var reader: CheckedContinuation<Void, Never>?

        mutating func takeReader() -> CheckedContinuation<Void, Never>? {
            defer { self.reader = nil }
            return self.reader
        }
    }

    enum Step: Sendable {
        case piece([UInt8], mustResume: Bool)
        case end(Result<Void, HTTPClientError>)
    }

    private let state = Locked(State())

    func take(head: HTTPClientResponse) {
        self.state.withLock { state in
            state.head = head
            return state.takeReader()
        }?.resume()
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Transfer.Verdict {
        let (verdict, reader) = self.state.withLock { state in
            guard state.size < Self.capacity else {
                state.isPaused = true
                return (Transfer.Verdict.later, nil as CheckedContinuation<Void, Never>?)
            }
            state.pieces.append(Array(bytes))
            state.size += bytes.count
            return (.taken, state.takeReader())
        }
        reader?.resume()
        return verdict
    }

    func finish(_ result: Result<HTTPClientResponse, HTTPClientError>) {
        self.state.withLock { state in
            if state.end == nil { state.end = result.map { _ in } }
            return state.takeReader()
        }?.resume()
    }

    func head() async -> Result<HTTPClientResponse, HTTPClientError> {
        await self.wait { state in
            if let head = state.head { return .success(head) }
            guard let end = state.end else { return nil }
            return .failure(Self.error(of: end))
        }
    }

    func next() async -> Step {
        await self.wait { state in
            guard !state.pieces.isEmpty else { return state.end.map(Step.end) }
            // All that is there in one piece: a reader that is behind catches up.
            let bytes = state.pieces.count == 1 ? state.pieces[0] : Array(state.pieces.joined())
            let mustResume = state.isPaused
            (state.pieces, state.size, state.isPaused) = ([], 0, false)
            return .piece(bytes, mustResume: mustResume)
        }
    }

    private static func error(of end: Result<Void, HTTPClientError>) -> HTTPClientError {
        if case .failure(let error) = end { return error }
        return HTTPClientError(.connectionLost, "the answer has no head")
    }

    /// Suspends until `body` gives a value; tried again whenever something has changed.
    private func wait<Value: Sendable>(_ body: (inout State) -> Value?) async -> Value {
        while true {
            var value: Value?
            await withCheckedContinuation { continuation in
                value = self.state.withLock { state in
                    let value = body(&state)
                    if value == nil {
                        precondition(state.reader == nil, "a stream has one reader")
                        state.reader = continuation
                    }
                    return value
                }
                if value != nil { continuation.resume() }
            }
            if let value { return value }
        }
    }
}
