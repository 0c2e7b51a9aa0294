import CMicrohttpd
import Glibc
import ServiceKit
import Synchronization

/// One client's connection, and the request on it.
///
/// Sound as `@unchecked Sendable`: each connection belongs to one thread of the library, which alone calls `access`,
/// `beginTarget`, `finishRequest` and touches their variables; what the sweeper and the stop see is atomic or locked.
final class Connection: @unchecked Sendable {
    /// How far the request is.
    private enum Phase {
        /// No head has come yet, or the answer is on its way. Can transition to: any of the next.
        case idle
        /// The whole body is awaited. Can transition to: `exchanging`, `idle`.
        case collecting(RequestHead, RouteEntry, [UInt8])
        /// The answer is known; a small body is swallowed first, as nothing may be sent inside one. Can transition to: `idle`.
        case swallowing(HTTPResponse)
        /// A task makes the answer. Can transition to: `idle`.
        case exchanging(Exchange)
    }

    let descriptor: Int32
    let context: ServerContext
    private let deadline = Atomic(MonotonicTime.never)
    private let exchange = Locked<Exchange?>(nil)

    private var phase = Phase.idle
    private var target = mhdx_target()
    private var head: RequestHead?
    private var isCounted = false
    private var bodyBytes = 0
    private var startedAt: UInt64 = 0
    private var status = 0
    /// Whether the client may still be sending when the connection is closed.
    private(set) var lingers = false

    init(descriptor: Int32, context: ServerContext) {
        self.descriptor = descriptor
        self.context = context
        self.setDeadline(after: context.timeouts.header)
    }

    // MARK: - From the sweeper and the stop

    var currentDeadline: UInt64 { self.deadline.load(ordering: .relaxed) }
    var currentExchange: Exchange? { self.exchange.withLock { $0 } }

    func setDeadline(after nanoseconds: UInt64) {
        self.deadline.store(MonotonicTime.now() + nanoseconds, ordering: .relaxed)
    }

    func clearDeadline() { self.deadline.store(MonotonicTime.never, ordering: .relaxed) }

    // MARK: - On the connection's thread

    /// A request line has come, the target in it unparsed.
    func beginTarget(_ text: UnsafePointer<CChar>) {
        self.target = mhdx_take_target(text)
        self.startedAt = MonotonicTime.now()
        self.deadline.store(self.startedAt + self.context.timeouts.header, ordering: .relaxed)
    }

    func access(
        _ connection: OpaquePointer,
        _ url: UnsafePointer<CChar>,
        _ method: UnsafePointer<CChar>,
        _ version: UnsafePointer<CChar>,
        _ data: UnsafePointer<CChar>?,
        _ size: UnsafeMutablePointer<Int>
    ) -> MHD_Result {
        guard self.isCounted else { return self.begin(connection, url, method, version) }
        if size.pointee > 0 {
            return self.take(UnsafeRawBufferPointer(start: data, count: size.pointee), size, connection)
        }
        switch self.phase {
        case .idle: return .NO
        case .swallowing(let response): return self.send(response, on: connection)
        case .collecting(let head, let entry, let body):
            self.phase = .idle
            return self.answer(HTTPRequest(head: head, body: .buffered(body)), entry, connection)
        case .exchanging(let exchange):
            exchange.uploadEnded()
            return self.goOn(exchange, connection)
        }
    }

    /// The request is over, whatever became of it.
    func finishRequest(isComplete: Bool) {
        let now = MonotonicTime.now()
        self.deadline.store(now + self.context.timeouts.keepAlive, ordering: .relaxed)
        guard self.isCounted else { return }
        if case .exchanging = self.phase { self.detach() }
        self.phase = .idle
        if let observe = self.context.observe {
            observe(
                HTTPObservation(
                    method: self.head?.method,
                    routePattern: self.head?.match?.entry.route.pattern,
                    requestID: self.head?.id ?? "",
                    status: self.status,
                    duration: .nanoseconds(Int64(now - self.startedAt)),
                    isComplete: isComplete
                )
            )
        }
        self.head = nil
        self.isCounted = false
        self.context.requests.leave()
    }

    // MARK: - The head

    private func begin(
        _ connection: OpaquePointer,
        _ url: UnsafePointer<CChar>,
        _ method: UnsafePointer<CChar>,
        _ version: UnsafePointer<CChar>
    ) -> MHD_Result {
        if self.context.isClosing { return .NO }
        self.isCounted = true
        self.context.requests.enter()
        self.status = 0
        self.bodyBytes = 0
        let facts = mhdx_read_head(connection, method, url, version, self.target)
        if let refusal = Self.refusal(for: facts, limits: self.context.configuration, target: self.target.length) {
            return self.refuse(self.context.router.error(refusal), on: connection)
        }
        let isChunked = facts.encodings > 0
        let length = isChunked ? nil : Int(facts.content_length)
        let bytes = self.copyHead(facts)
        let targetStart = UnsafePointer(method).distance(to: url)
        let pathLength = self.target.query == MHDX_NONE ? self.target.length : self.target.query
        let pathRange = targetStart..<targetStart + pathLength
        let targetRange = targetStart..<targetStart + self.target.length
        guard
            let method = bytes.withUnsafeBufferPointer({
                HTTPMethod(UnsafeBufferPointer(rebasing: $0[..<(targetStart - 1)]))
            })
        else { return self.refuse(self.context.router.error(.notImplemented), on: connection) }
        let query = min(pathRange.upperBound + 1, targetRange.upperBound)..<targetRange.upperBound
        let resolution = self.context.router.resolve(method: method, bytes: bytes, path: pathRange, query: query)
        var match: RouteMatch?
        if case .route(let found) = resolution { match = found }
        let head = RequestHead(
            bytes: bytes,
            method: method,
            target: targetRange,
            path: pathRange,
            fields: facts.fields,
            contentLength: length,
            id: self.requestID(facts, in: bytes),
            match: match
        )
        self.head = head
        let hasBody = isChunked || facts.content_length > 0
        switch resolution {
        case .answer(let response):
            return self.answerEarly(response, connection, length: length, isExpecting: facts.expectations > 0)
        case .route(let match):
            let policy = match.entry.route.body
            if let length, length > policy.limit {
                return self.refuse(self.context.router.error(.contentTooLarge), on: connection)
            }
            if let refusal = match.entry.route.admit?(HTTPRequest(head: head, body: .buffered([]))) {
                return self.answerEarly(refusal, connection, length: length, isExpecting: facts.expectations > 0)
            }
            if hasBody { self.setDeadline(after: self.context.timeouts.body) } else { self.clearDeadline() }
            if policy.isStreamed {
                let exchange = self.attach(connection, hasUpload: hasBody)
                exchange.start(
                    HTTPRequest(head: head, body: .streamed(HTTPBodyReader(exchange))),
                    match.entry.route.handler
                )
            } else {
                self.phase = .collecting(head, match.entry, [])
            }
            return .YES
        }
    }

    private static func refusal(
        for facts: mhdx_head,
        limits: HTTPServerConfiguration,
        target: Int
    ) -> Refusal? {
        let bad = facts.bad
        if bad & UInt32(MHDX_BAD_LINE) != 0 { return .malformed }
        if bad & UInt32(MHDX_BAD_VERSION) != 0 { return .versionNotSupported }
        if bad & UInt32(MHDX_BAD_ENCODING) != 0 { return .malformed }
        let others = bad & ~UInt32(MHDX_BAD_EXPECTATION)
        if others != 0 { return .malformed }
        if facts.size > limits.headLimit {
            return target > limits.headLimit / 2 ? .targetTooLong : .headersTooLarge
        }
        if facts.count > UInt32(limits.maxHeaders) { return .headersTooLarge }
        return bad != 0 ? .expectationFailed : nil
    }

    /// The head as it was sent but for the ends of its lines: the byte that hid the query is put back.
    private func copyHead(_ facts: mhdx_head) -> [UInt8] {
        var bytes = [UInt8](UnsafeRawBufferPointer(start: facts.start, count: facts.size))
        if self.target.query != MHDX_NONE {
            // The method, its NUL, the target: `mhdx_read_head` has seen that they follow one another.
            let question = (bytes.firstIndex(of: 0) ?? 0) + 1 + self.target.query
            bytes[question] = UInt8(ascii: "?")
            if self.target.query + 1 < self.target.length { bytes[question + 1] = UInt8(bitPattern: self.target.first) }
        }
        return bytes
    }

    private func requestID(_ facts: mhdx_head, in bytes: [UInt8]) -> String {
        if facts.request_id != MHDX_NONE {
            let value = bytes[facts.request_id..<facts.request_id + facts.request_id_length]
            if RequestIDGenerator.isValid(value) { return String(decoding: value, as: UTF8.self) }
        }
        return self.context.requestIDs.next()
    }

    // MARK: - The body

    /// Bodies up to this are read to their end before a refusal, which keeps the connection.
    private static let swallowLimit = 65_536

    private func answerEarly(
        _ response: HTTPResponse,
        _ connection: OpaquePointer,
        length: Int?,
        isExpecting: Bool
    ) -> MHD_Result {
        guard let length, length <= Self.swallowLimit, length == 0 || !isExpecting else {
            return self.refuse(response, on: connection)
        }
        if length > 0 { self.setDeadline(after: self.context.timeouts.body) } else { self.clearDeadline() }
        self.phase = .swallowing(response)
        return .YES
    }

    private func take(
        _ piece: UnsafeRawBufferPointer,
        _ size: UnsafeMutablePointer<Int>,
        _ connection: OpaquePointer
    ) -> MHD_Result {
        switch self.phase {
        case .idle: return .NO
        case .swallowing: break
        case .collecting(let head, let entry, var body):
            // Let go of the array, so that it grows in place.
            self.phase = .idle
            guard body.count + piece.count <= entry.route.body.limit else { return self.cutOff(connection) }
            if entry.route.body != .none {
                if body.isEmpty { body.reserveCapacity(head.contentLength ?? piece.count) }
                body.append(contentsOf: piece)
            } else {
                self.bodyBytes += piece.count
                guard self.bodyBytes <= entry.route.body.limit else { return self.cutOff(connection) }
            }
            self.phase = .collecting(head, entry, body)
        case .exchanging(let exchange):
            guard let limit = self.head?.match?.entry.route.body.limit, self.bodyBytes + piece.count <= limit else {
                exchange.abandon(HTTPServerError(.bodyTooLarge, "the body is over its limit"))
                return self.cutOff(connection)
            }
            guard let isTaken = exchange.offer(piece) else { return .NO }
            // Untaken, the connection is parked and the piece comes again.
            guard isTaken else { return .YES }
            self.bodyBytes += piece.count
        }
        size.pointee = 0
        return .YES
    }

    /// Answers inside a body, where the library takes no response: by hand, then the connection is closed.
    private func cutOff(_ connection: OpaquePointer) -> MHD_Result {
        let response = self.context.router.error(.contentTooLarge)
        guard case .bytes(let body) = response.body else { return .NO }
        self.status = response.status
        self.lingers = true
        let head = """
            HTTP/1.1 413 Content Too Large\r
            Content-Type: application/json\r
            X-Request-ID: \(self.head?.id ?? "-")\r
            Connection: close\r
            Content-Length: \(body.count)\r
            \r

            """
        let message = Array(head.utf8) + body
        // Best effort: a client that does not read gets to see the closed connection only.
        _ = message.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        return .NO
    }

    // MARK: - The answer

    private func answer(_ request: HTTPRequest, _ entry: RouteEntry, _ connection: OpaquePointer) -> MHD_Result {
        if let response = entry.route.immediate?(request) { return self.send(response, on: connection) }
        self.clearDeadline()
        let exchange = self.attach(connection, hasUpload: false)
        let result = self.goOn(exchange, connection)
        exchange.start(request, entry.route.handler)
        return result
    }

    private func goOn(_ exchange: Exchange, _ connection: OpaquePointer) -> MHD_Result {
        switch exchange.takeAnswer() {
        case .park:
            self.clearDeadline()
            return .YES
        case .respond(let response): return self.send(response, on: connection)
        case .close: return .NO
        }
    }

    private func attach(_ connection: OpaquePointer, hasUpload: Bool) -> Exchange {
        let exchange = Exchange(
            handle: ConnectionHandle(pointer: connection),
            context: self.context,
            hasUpload: hasUpload
        )
        self.context.attached.enter()
        self.exchange.withLock { $0 = exchange }
        self.phase = .exchanging(exchange)
        // The stop sets the flag and then looks for exchanges: one of the two sees the other.
        if self.context.isClosing { exchange.abandon() }
        return exchange
    }

    private func detach() {
        let exchange = self.exchange.withLock { exchange in
            defer { exchange = nil }
            return exchange
        }
        exchange?.finish()
        self.context.attached.leave()
    }

    private func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        let isHead = self.head?.method == .head
        var exchange: Exchange?
        if case .stream(let stream) = response.body, !isHead {
            if case .exchanging(let known) = self.phase {
                exchange = known
            } else {
                // Answered at once, but the body takes its time.
                let made = self.attach(connection, hasUpload: false)
                made.start(stream)
                exchange = made
            }
        }
        return self.queue(response, exchange: exchange, isHead: isHead, closes: false, on: connection)
    }

    /// Answers before the body is read, which is then never read: the connection ends with this.
    private func refuse(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        self.lingers = true
        return self.queue(response, exchange: nil, isHead: self.head?.method == .head, closes: true, on: connection)
    }

    private func queue(
        _ response: HTTPResponse,
        exchange: Exchange?,
        isHead: Bool,
        closes: Bool,
        on connection: OpaquePointer
    ) -> MHD_Result {
        let id = self.head?.id ?? self.context.requestIDs.next()
        let closes = closes || self.context.isDraining
        var draft = ResponseDraft(response, exchange: exchange, connection: self, isHead: isHead)
        if draft == nil || draft?.addHeaders(of: response, requestID: id, closes: closes) != true {
            self.context.report("The answer to \(id) could not be made: a bad header, or a file that was sent before")
            let substitute = self.context.router.error(.internalError)
            draft = ResponseDraft(substitute, exchange: nil, connection: self, isHead: isHead)
            guard draft?.addHeaders(of: substitute, requestID: id, closes: closes) == true else { return .NO }
            self.status = substitute.status
        } else {
            self.status = response.status
        }
        guard let draft else { return .NO }
        self.expectDownload(of: draft.length)
        return draft.queue(on: connection, status: UInt32(self.status))
    }

    /// Bounds the time in which a client takes `length` bytes; a stream's pieces each have their own.
    func expectDownload(of length: Int?) {
        guard let length else { return self.clearDeadline() }
        let rate = UInt64(self.context.configuration.minimumDownloadRate)
        self.setDeadline(after: self.context.timeouts.stall + UInt64(length) / rate * 1_000_000_000)
    }
}
