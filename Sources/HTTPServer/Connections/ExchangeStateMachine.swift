/// Decides how the threads of the protocol and the handler's task meet in one request.
///
/// Each side that finds nothing to do is told to wait: the connection is parked, the task suspended. What the other side
/// brings later ends the wait exactly once.
struct ExchangeStateMachine: Sendable {
    typealias Reader = CheckedContinuation<Result<[UInt8]?, HTTPServerError>, Never>
    typealias Writer = CheckedContinuation<Result<Void, HTTPServerError>, Never>

    /// The request's body, on its way in.
    enum Upload: Sendable {
        /// Nothing is ready and nobody waits. Can transition to: `ready`, `wanted`, `ended`, `failed`.
        case empty
        /// One piece waits to be read; the next one has to wait outside. Can transition to: `empty`, `failed`.
        case ready([UInt8])
        /// A task waits for a piece. Can transition to: `empty`, `ended`, `failed`.
        case wanted(Reader)
        /// It came whole. Final.
        case ended
        /// It will not come. Final.
        case failed(HTTPServerError)
    }

    /// The response's body, on its way out, if it is a stream.
    enum Download: Sendable {
        /// Nothing is ready. Can transition to: `ready`, `ended`, `failed`.
        case empty
        /// A piece of which the first `sent` bytes have gone. Can transition to: `empty`, `failed`.
        case ready([UInt8], sent: Int, Writer)
        /// All was written. Final.
        case ended
        /// The producer failed, or the client left. Final.
        case failed
    }

    enum Answer: Sendable {
        /// The handler has not answered. Can transition to: `ready`, `dropped`.
        case awaited
        /// Can transition to: `sent`, `dropped`.
        case ready(HTTPResponse)
        case sent
    }

    private(set) var upload: Upload
    private(set) var download: Download = .empty
    private(set) var answer: Answer = .awaited
    /// Whether the library was told to leave the connection alone. While it is, it cannot close it.
    private(set) var isParked = false
    /// Whether the client has left, or was cut off.
    private(set) var isAbandoned = false

    init(hasUpload: Bool) { self.upload = hasUpload ? .empty : .ended }

    /// To be called by whoever asks for the connection to go on; the connection is resumed if this is true.
    private mutating func unpark() -> Bool {
        defer { self.isParked = false }
        return self.isParked
    }

    // MARK: - On the connection's thread

    enum OfferAction {
        /// Taken; `Reader` is to be given the piece.
        case deliver(Reader)
        case taken
        /// The slot is full: park, and offer it again.
        case park
        case close
    }

    /// A piece of the body has come.
    mutating func offer(_ piece: @autoclosure () -> [UInt8]) -> OfferAction {
        guard !self.isAbandoned else { return .close }
        // Answered already: what still comes is swallowed, as nothing may be sent inside a body.
        guard case .awaited = self.answer else { return .taken }
        switch self.upload {
        case .wanted(let reader):
            self.upload = .empty
            return .deliver(reader)
        case .empty:
            self.upload = .ready(piece())
            return .taken
        case .ready:
            self.isParked = true
            return .park
        case .ended, .failed: return .taken
        }
    }

    enum ReadyAction {
        case respond(HTTPResponse)
        case park
        case close
    }

    /// The body has come whole. Returns who waits for that.
    mutating func uploadEnded() -> Reader? {
        switch self.upload {
        case .wanted(let reader):
            self.upload = .ended
            return reader
        case .empty: self.upload = .ended
        // The last piece is read first; `read` ends it then.
        case .ready, .ended, .failed: break
        }
        self.isUploadComplete = true
        return nil
    }

    private var isUploadComplete = false

    /// The connection can take an answer.
    mutating func takeAnswer() -> ReadyAction {
        guard !self.isAbandoned else { return .close }
        guard case .ready(let response) = self.answer else {
            self.isParked = true
            return .park
        }
        self.answer = .sent
        return .respond(response)
    }

    enum PullAction {
        /// Copy from here, then resume the writer, if there is one.
        case copy([UInt8], from: Int, count: Int, Writer?)
        case park
        case end
        case fail
    }

    /// The connection can take up to `room` bytes of the body.
    mutating func pull(room: Int) -> PullAction {
        switch self.download {
        case .ready(let piece, let sent, let writer):
            let count = min(room, piece.count - sent)
            if sent + count == piece.count {
                self.download = .empty
                return .copy(piece, from: sent, count: count, writer)
            }
            self.download = .ready(piece, sent: sent + count, writer)
            return .copy(piece, from: sent, count: count, nil)
        case .empty:
            self.isParked = true
            return .park
        case .ended: return .end
        case .failed: return .fail
        }
    }

    // MARK: - From the handler's task

    enum ReadAction {
        case resume(Result<[UInt8]?, HTTPServerError>, unpark: Bool)
        case wait(unpark: Bool)
    }

    mutating func read(_ reader: Reader) -> ReadAction {
        switch self.upload {
        case .ready(let piece):
            self.upload = self.isUploadComplete ? .ended : .empty
            return .resume(.success(piece), unpark: self.unpark())
        case .empty:
            self.upload = .wanted(reader)
            return .wait(unpark: self.unpark())
        case .wanted:
            return .resume(.failure(HTTPServerError(.io, "another task is reading this body")), unpark: false)
        case .ended: return .resume(.success(nil), unpark: false)
        case .failed(let error): return .resume(.failure(error), unpark: false)
        }
    }

    /// The task that waits for a piece was cancelled; the body is still there.
    mutating func cancelRead() -> Reader? {
        guard case .wanted(let reader) = self.upload else { return nil }
        self.upload = .empty
        return reader
    }

    enum RespondAction {
        case proceed(unpark: Bool)
        /// The client has gone.
        case drop
    }

    mutating func respond(_ response: HTTPResponse) -> RespondAction {
        guard !self.isAbandoned else { return .drop }
        self.answer = .ready(response)
        if case .ready = self.upload { self.upload = .empty }
        return .proceed(unpark: self.unpark())
    }

    enum WriteAction {
        case fail(HTTPServerError)
        case wait(unpark: Bool)
    }

    mutating func write(_ piece: [UInt8], _ writer: Writer) -> WriteAction {
        switch self.download {
        case .empty:
            self.download = .ready(piece, sent: 0, writer)
            return .wait(unpark: self.unpark())
        case .ready: return .fail(HTTPServerError(.io, "another task is writing this body"))
        case .ended, .failed: return .fail(HTTPServerError(.clientClosed, "the client has left"))
        }
    }

    enum CancelWriteAction {
        case none
        case resume(Writer, unpark: Bool)
    }

    /// The task that waits for its piece to go was cancelled: half a piece is no body.
    mutating func cancelWrite() -> CancelWriteAction {
        guard case .ready(_, let sent, let writer) = self.download else { return .none }
        self.download = sent == 0 ? .empty : .failed
        return .resume(writer, unpark: self.unpark())
    }

    /// The producer is done. Returns whether the connection is to be resumed.
    mutating func streamEnded(isWhole: Bool) -> Bool {
        switch self.download {
        case .empty: self.download = isWhole ? .ended : .failed
        case .ready, .ended, .failed: self.download = .failed
        }
        return self.unpark()
    }

    // MARK: - From anyone

    struct AbandonAction {
        var reader: Reader?
        var writer: Writer?
        var unpark: Bool
    }

    /// The client left, was cut off, or the request is over.
    ///
    /// - Parameter isOver: Whether the library has let go of the request: the connection may not be touched any more.
    mutating func abandon(_ error: HTTPServerError, isOver: Bool) -> AbandonAction {
        var action = AbandonAction(reader: nil, writer: nil, unpark: false)
        self.isAbandoned = true
        switch self.upload {
        case .wanted(let reader):
            action.reader = reader
            self.upload = .failed(error)
        case .empty, .ready: self.upload = .failed(error)
        case .ended, .failed: break
        }
        if case .ready(_, _, let writer) = self.download { action.writer = writer }
        if case .ended = self.download {} else { self.download = .failed }
        if case .ready = self.answer { self.answer = .sent }
        if isOver { self.isParked = false } else { action.unpark = self.unpark() }
        return action
    }
}
