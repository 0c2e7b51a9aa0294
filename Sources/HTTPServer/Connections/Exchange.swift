import CMicrohttpd
import ServiceKit

/// A pointer of the library. Used on the connection's thread, or to resume it while it is parked.
struct ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// One request whose answer a task makes, or whose body is streamed. It outlives the request if the task does.
final class Exchange: Sendable {
    private struct State: Sendable {
        var machine: ExchangeStateMachine
        var task: Task<Void, Never>?
        /// Whether the task makes a stream without an end of its own.
        var isEndless = false
    }

    private let state: Locked<State>
    private let handle: ConnectionHandle
    private let context: ServerContext

    init(handle: ConnectionHandle, context: ServerContext, hasUpload: Bool) {
        self.state = Locked(State(machine: ExchangeStateMachine(hasUpload: hasUpload)))
        self.handle = handle
        self.context = context
        context.exchanges.enter()
    }

    deinit { self.context.exchanges.leave() }

    var isDraining: Bool { self.context.isDraining }
    var isParked: Bool { self.state.withLock { $0.machine.isParked } }

    // The library is told to go on, or to wait, under the lock. That is short, and it is what makes both sound: a parked
    // connection cannot be closed, and `finish` takes the lock, so the server cannot be stopped in the middle.
    private func suspend() {
        MHD_suspend_connection(self.handle.pointer)
        self.context.sweeper.sawParking()
    }

    private func resume(_ isWanted: Bool) {
        if isWanted { MHD_resume_connection(self.handle.pointer) }
    }

    // MARK: - On the connection's thread

    /// Starts the task that answers. Its life is the request's: it is cancelled when the client leaves.
    func start(_ request: HTTPRequest, _ handler: @escaping HTTPRoute.Handler) {
        self.own(
            // Unstructured: the library's callback has no task to be a child of. `finish` cancels it, `stop` waits for it.
            Task { [self] in
                let response = await handler(request)
                guard self.respond(response), request.method != .head else { return }
                if case .stream(let stream) = response.body { await self.produce(stream) }
            }
        )
    }

    /// Starts the task that makes the body of an answer which is being sent.
    func start(_ stream: HTTPStream) {
        self.own(Task { [self] in await self.produce(stream) })
    }

    private func own(_ task: Task<Void, Never>) {
        let isAbandoned = self.state.withLock { state in
            state.task = task
            return state.machine.isAbandoned
        }
        if isAbandoned { task.cancel() }
    }

    /// Returns whether the piece was taken; `nil` if the connection is to be closed.
    func offer(_ bytes: UnsafeRawBufferPointer) -> Bool? {
        let action = self.state.withLock { state in
            let action = state.machine.offer([UInt8](bytes))
            if case .park = action { self.suspend() }
            return action
        }
        switch action {
        case .deliver(let reader):
            reader.resume(returning: .success([UInt8](bytes)))
            return true
        case .taken: return true
        case .park: return false
        case .close: return nil
        }
    }

    func uploadEnded() {
        self.state.withLock { $0.machine.uploadEnded() }?.resume(returning: .success(nil))
    }

    func takeAnswer() -> ExchangeStateMachine.ReadyAction {
        self.state.withLock { state in
            let action = state.machine.takeAnswer()
            if case .park = action { self.suspend() }
            return action
        }
    }

    /// Fills `buffer` with what there is of a stream.
    func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let action = self.state.withLock { state in
            let action = state.machine.pull(room: buffer.count)
            if case .park = action { self.suspend() }
            return action
        }
        switch action {
        case .copy(let piece, let start, let count, let writer):
            piece.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            writer?.resume(returning: .success(()))
            return count
        case .park: return 0
        case .end: return MHD_CONTENT_READER_END_OF_STREAM
        case .fail: return MHD_CONTENT_READER_END_WITH_ERROR
        }
    }

    // MARK: - From the handler's task

    private func respond(_ response: HTTPResponse) -> Bool {
        self.state.withLock { state in
            if case .stream(let stream) = response.body { state.isEndless = stream.isEndless }
            switch state.machine.respond(response) {
            case .proceed(let unpark):
                self.resume(unpark)
                return true
            case .drop: return false
            }
        }
    }

    private func produce(_ stream: HTTPStream) async {
        self.state.withLock { $0.isEndless = stream.isEndless }
        // The stop may have come before the line above: it cancels those that it knows to be endless.
        if stream.isEndless, self.isDraining { self.cancelIfEndless() }
        var isWhole = true
        do {
            try await stream.produce(HTTPBodyWriter(exchange: self))
        } catch {
            // An endless stream that a stop ended is whole; any other is cut short, which the client can tell.
            isWhole = stream.isEndless && self.isDraining
            if !isWhole { self.context.reportFailure(error) }
        }
        self.state.withLock { state in self.resume(state.machine.streamEnded(isWhole: isWhole)) }
    }

    func readPiece() async throws(HTTPServerError) -> [UInt8]? {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (reader: ExchangeStateMachine.Reader) in
                let action = self.state.withLock { state in
                    let action = state.machine.read(reader)
                    switch action {
                    case .resume(_, let unpark), .wait(let unpark): self.resume(unpark)
                    }
                    return action
                }
                if case .resume(let result, _) = action { reader.resume(returning: result) }
                // A cancellation before the line above found nobody to wake.
                if Task.isCancelled { self.cancelRead() }
            }
        } onCancel: {
            self.cancelRead()
        }
        return try result.get()
    }

    private func cancelRead() {
        self.state.withLock { $0.machine.cancelRead() }?
            .resume(returning: .failure(HTTPServerError(.cancelled, "the task was cancelled")))
    }

    func writePiece(_ piece: [UInt8]) async throws(HTTPServerError) {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (writer: ExchangeStateMachine.Writer) in
                let action = self.state.withLock { state in
                    let action = state.machine.write(piece, writer)
                    if case .wait(let unpark) = action { self.resume(unpark) }
                    return action
                }
                if case .fail(let error) = action { writer.resume(returning: .failure(error)) }
                if Task.isCancelled { self.cancelWrite() }
            }
        } onCancel: {
            self.cancelWrite()
        }
        try result.get()
    }

    private func cancelWrite() {
        let action = self.state.withLock { state in
            let action = state.machine.cancelWrite()
            if case .resume(_, let unpark) = action { self.resume(unpark) }
            return action
        }
        guard case .resume(let writer, _) = action else { return }
        writer.resume(returning: .failure(HTTPServerError(.cancelled, "the task was cancelled")))
    }

    // MARK: - From anyone

    /// The client has left, or is cut off: the connection's thread will find that out when it goes on.
    func abandon(_ error: HTTPServerError = HTTPServerError(.clientClosed, "the client has left")) {
        self.abandon(error, isOver: false)
    }

    /// The library has let go of the request.
    func finish() { self.abandon(HTTPServerError(.clientClosed, "the request is over"), isOver: true) }

    private func abandon(_ error: HTTPServerError, isOver: Bool) {
        let (action, task) = self.state.withLock { state in
            let action = state.machine.abandon(error, isOver: isOver)
            self.resume(action.unpark)
            return (action, state.task)
        }
        task?.cancel()
        action.reader?.resume(returning: .failure(error))
        action.writer?.resume(returning: .failure(error))
    }

    /// On a graceful stop: ends what would not end by itself.
    func cancelIfEndless() {
        self.state.withLock { $0.isEndless ? $0.task : nil }?.cancel()
    }
}
