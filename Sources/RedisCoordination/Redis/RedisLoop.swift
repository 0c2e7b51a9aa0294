import Coordination
import ServiceKit

/// Drives one connection on a thread of its own: sends what has gathered, and matches the replies in order.
///
/// The thread sleeps on the socket and on a call from others. It connects again by itself; meanwhile calls fail at once.
/// Everything but ``send(_:)`` and ``close()`` happens on the thread.
final class RedisLoop: Sendable {
    private struct Inbox: Sendable {
        var calls: [RedisCall] = []
        /// Taken over and not answered yet, sent or not.
        var pendingCalls = 0
        var pendingBytes = 0
        var isClosed = false
        /// Why there is no connection; `nil` while there is one.
        var outage: CoordinationError? = CoordinationError(.unavailable, "not connected to Redis yet")
    }

    private enum Admission { case queued, wake, refused(CoordinationError) }

    private let configuration: RedisConfiguration
    private let logger: Logger
    private let inbox = Locked(Inbox())
    let wakeUp: WakeUp
    /// Fires when the first attempt to connect has worked or failed.
    let hasTried = Signal()
    /// Fires when the thread has ended.
    let hasEnded = Signal()

    init(_ configuration: RedisConfiguration, logger: Logger) throws(CoordinationError) {
        self.configuration = configuration
        self.logger = logger
        self.wakeUp = try WakeUp()
    }

    // MARK: From any thread

    /// Why there is no connection; `nil` while there is one.
    var outage: CoordinationError? { self.inbox.withLock { $0.outage } }

    /// Calls `finish`, here if the call is refused, else on the thread.
    func send(_ call: RedisCall) {
        let admission = self.inbox.withLock { self.admit(call, to: &$0) }
        switch admission {
        case .queued: return
        case .wake: self.wakeUp.fire()
        case .refused(let error): call.finish(.failure(error))
        }
    }

    private func admit(_ call: RedisCall, to inbox: inout Inbox) -> Admission {
        if inbox.isClosed { return .refused(CoordinationError(.closed, "the connection to Redis is closed")) }
        if let outage = inbox.outage { return .refused(outage) }
        let bytes = inbox.pendingBytes + call.bytes.count
        guard inbox.pendingCalls < self.configuration.pendingCallLimit, bytes <= self.configuration.pendingByteLimit
        else {
            let message = "\(inbox.pendingCalls) calls of \(inbox.pendingBytes) bytes wait for Redis"
            return .refused(CoordinationError(.overloaded, message))
        }
        inbox.pendingCalls += 1
        inbox.pendingBytes = bytes
        inbox.calls.append(call)
        // The thread takes all there is: for the others it has been woken.
        return inbox.calls.count == 1 ? .wake : .queued
    }

    /// Refuses further calls. The thread ends when those under way are answered or out of time.
    func close() {
        self.inbox.withLock { $0.isClosed = true }
        self.wakeUp.fire()
    }

    // MARK: On the thread

    func run() {
        var backoff = RedisBackoff()
        while !self.isClosed {
            let error: CoordinationError?
            do throws(CoordinationError) {
                let connection = try self.connect()
                backoff.connected()
                self.setOutage(nil)
                self.logger.info("Connected to Redis", metadata: [LogKey.endpoint: self.endpoint])
                error = self.serve(connection)
            } catch let failure {
                error = failure
                self.setOutage(failure)
            }
            if error != nil { self.pause(backoff.failed(random: .random(in: 0...1))) }
        }
        self.setOutage(CoordinationError(.closed, "the connection to Redis is closed"))
        self.hasEnded.fire()
    }

    private var endpoint: String { self.configuration.endpoint.description }
    private var isClosed: Bool { self.inbox.withLock { $0.isClosed } }

    /// Calls that have not been sent fail with it: nothing waits for a connection.
    private func setOutage(_ cause: CoordinationError?) {
        let outage = cause.map { cause in
            let message = "no connection to Redis at \(self.endpoint)"
            return cause.code == .closed ? cause : CoordinationError(.unavailable, message, cause: cause)
        }
        let (isNew, waiting) = self.inbox.withLock { inbox in
            defer { inbox.outage = outage }
            let isNew = inbox.outage?.causeMessage != outage?.causeMessage
            guard outage != nil else { return (isNew, [RedisCall]()) }
            defer { inbox.calls = [] }
            return (isNew, inbox.calls)
        }
        if let outage, isNew, outage.code != .closed {
            let metadata = [LogKey.endpoint: self.endpoint, LogKey.error: "\(cause ?? outage)"]
            self.logger.warning("No connection to Redis", metadata: metadata)
        }
        self.hasTried.fire()
        if let outage { self.finish(waiting.map { ($0, .failure(outage)) }) }
    }

    private func pause(_ time: Duration) {
        let end = ContinuousClock.now + time
        while !self.isClosed, ContinuousClock.now < end { _ = self.wakeUp.sleep(until: end) }
    }

    private func finish(_ calls: [(call: RedisCall, result: Result<RedisValue, CoordinationError>)]) {
        guard !calls.isEmpty else { return }
        let bytes = calls.reduce(0) { $0 + $1.call.bytes.count }
        // Before anybody is resumed, who may call again at once.
        self.inbox.withLock { inbox in
            inbox.pendingCalls -= calls.count
            inbox.pendingBytes -= bytes
        }
        for (call, result) in calls { call.finish(result) }
    }

    // MARK: Connecting

    private func connect() throws(CoordinationError) -> RedisConnection {
        let deadline = ContinuousClock.now + self.configuration.connectTimeout
        let connection = try RedisConnection(to: self.configuration.endpoint)
        while !self.wakeUp.sleep(socket: connection.socket, forWriting: true, until: deadline) {
            try self.checkPatience(deadline)
        }
        try connection.checkConnected()
        try self.introduce(connection, until: deadline)
        return connection
    }

    private func checkPatience(_ deadline: ContinuousClock.Instant) throws(CoordinationError) {
        if self.isClosed { throw CoordinationError(.closed, "the connection to Redis is closed") }
        guard ContinuousClock.now < deadline else {
            throw CoordinationError(.timedOut, "Redis did not take the connection in time")
        }
    }

    /// Signs in, and waits for a first answer: a server may take connections long before it answers.
    private func introduce(
        _ connection: RedisConnection,
        until deadline: ContinuousClock.Instant
    ) throws(CoordinationError) {
        var commands: [RedisCommand] = []
        if let password = self.configuration.password {
            let user = self.configuration.user
            commands.append(
                user.map { RedisCommand("AUTH", $0, password.reveal()) } ?? RedisCommand("AUTH", password.reveal())
            )
        }
        if self.configuration.database != 0 {
            commands.append(RedisCommand("SELECT", String(self.configuration.database)))
        }
        commands.append(RedisCommand("PING"))
        for command in commands { try connection.append(command.encoded) }
        var left = commands.count
        while left > 0 {
            try connection.send()
            let needsWriting = connection.hasUnsent
            guard self.wakeUp.sleep(socket: connection.socket, forWriting: needsWriting, until: deadline) else {
                try self.checkPatience(deadline)
                continue
            }
            for reply in try connection.receive() {
                if case .error(let text) = reply { throw CoordinationError(reply: text) }
                guard case .status = reply else { throw reply.unexpected("a status") }
                left -= 1
            }
        }
        guard left == 0 else { throw CoordinationError(.unexpectedReply, "Redis answered more than it was asked") }
    }

    // MARK: Serving

    /// - Returns: Why the connection is of no more use; `nil` when the loop was closed and nothing is left to do.
    private func serve(_ connection: RedisConnection) -> CoordinationError? {
        var pending = PendingCalls()
        do throws(CoordinationError) {
            while try self.step(connection, &pending) {}
            return nil
        } catch {
            self.setOutage(error)
            let lost = CoordinationError(error.code == .closed ? .closed : .unavailable, "lost Redis", cause: error)
            self.finish(pending.takeAll().map { ($0, .failure(lost)) })
            return error
        }
    }

    /// - Returns: Whether there is more to do.
    private func step(_ connection: RedisConnection, _ pending: inout PendingCalls) throws(CoordinationError) -> Bool {
        let (calls, isClosed) = self.inbox.withLock { inbox in
            defer { inbox.calls = [] }
            return (inbox.calls, inbox.isClosed)
        }
        if isClosed, calls.isEmpty, pending.isEmpty { return false }
        // Each is pending before anything can fail: every call gets its answer.
        for call in calls { pending.append(call) }
        for call in calls { try connection.append(call.bytes) }
        try connection.send()
        let isReady = self.wakeUp.sleep(
            socket: connection.socket,
            forWriting: connection.hasUnsent,
            until: pending.first?.deadline
        )
        if isReady { try self.receive(connection, &pending) }
        let expired = pending.takeExpired(.now)
        guard expired.isEmpty else {
            // What follows on this connection would be late, too.
            let error = CoordinationError(.timedOut, "Redis did not answer within \(self.configuration.callTimeout)")
            self.setOutage(error)
            self.finish(expired.map { ($0, .failure(error)) })
            throw error
        }
        return true
    }

    private func receive(
        _ connection: RedisConnection,
        _ pending: inout PendingCalls
    ) throws(CoordinationError) {
        var answered: [(call: RedisCall, result: Result<RedisValue, CoordinationError>)] = []
        // Also for what was answered before the connection broke off.
        defer { self.finish(answered) }
        for reply in try connection.receive() {
            guard let call = pending.popFirst() else {
                throw CoordinationError(.unexpectedReply, "Redis answered what nobody asked")
            }
            answered.append((call, .success(reply)))
        }
    }
}

extension CoordinationError {
    fileprivate var causeMessage: String { (self.cause as? CoordinationError)?.message ?? self.message }
}
