import MessageBus
import Messages
import SQLite
import ServiceKit
import StateStore

/// The gateway's view of the system, always as new as anything a client has been told.
///
/// Memory is updated first and whoever waits is resumed; the database follows on a thread of its own, with the offsets
/// in the same transaction. A read asks memory, then the database by primary key, on the calling thread. After a crash
/// following goes on from the stored offsets.
final class ReadModel: Sendable {
    struct State {
        var model: ReadModelState
        /// Waits for a batch that has not been taken yet.
        var barriers: [CheckedContinuation<Void, any Error>] = []
        var isWriterIdle = false
        var isClosed = false
        /// Whether the last write failed.
        var isFailing = false
        var ended: [CheckedContinuation<Void, Never>] = []
        var followers = FollowWaiters()
        var hasEnded = true
    }

    /// After this many records are queued the writer does not wait for company.
    static let largeBatch = 2000

    let path: String
    let state: Monitor<State>
    let decisions = WaiterTable<CommandID, Decision>()
    let ends = WaiterTable<ExecutionID, ExecutionEnd>()
    /// Resumed whenever a session's record comes.
    let sessionChanges = WaiterTable<SessionID, Void>()
    let documents: Documents
    let logger: Logger
    /// Called once for each execution that ends, for metrics.
    private let onEnd: @Sendable (Execution) -> Void
    /// Called for each record that is void: its key, its partition, and the claim that it came behind.
    private let onVoid: @Sendable (StateKey, Int, Int64) -> Void
    private let points: ReaderPool
    private let lists: SerialReader

    /// What those who wait for an execution learn.
    enum ExecutionEnd: Sendable {
        /// The answer, as JSON.
        case document([UInt8])
        /// Deleted along with its session.
        case gone
    }

    /// - Parameters:
    ///   - path: The database; its folder must exist.
    ///   - cacheBytes: Memory for records that the database holds too.
    ///   - onEnd: Called once for each execution that ends; quick.
    ///   - onVoid: Called for each record that was written by somebody who had lost its partition; quick.
    /// - Throws: ``SQLiteError`` if the system allows no further thread.
    init(
        path: String,
        cacheBytes: Int,
        documents: Documents,
        logger: Logger,
        onEnd: @escaping @Sendable (Execution) -> Void = { _ in },
        onVoid: @escaping @Sendable (StateKey, Int, Int64) -> Void = { _, _, _ in }
    ) throws {
        self.onEnd = onEnd
        self.onVoid = onVoid
        self.path = path
        self.documents = documents
        self.logger = logger
        self.state = Monitor(State(model: ReadModelState(cacheBytes: cacheBytes, now: .now)))
        self.points = ReaderPool(path: path)
        self.lists = try SerialReader(path: path)
    }

    // MARK: Reading

    /// The newest record of a key, `nil` if there is none. On the calling thread; microseconds.
    func record(_ key: StateKey) throws -> StateRecord? {
        let (known, changes) = self.state.withLock { ($0.model.cache.lookup(key), $0.model.cache.changes) }
        switch known {
        case .record(let record, _, _): return record
        case .gone: return nil
        case .unknown: return try self.load(key, changes)
        }
    }

    /// The newest record of a key as the JSON that is answered. On the calling thread.
    func document(_ key: StateKey) throws -> [UInt8]? {
        if let rendered = self.state.withLock({ $0.model.cache.rendering(key) }) { return rendered }
        let (known, changes) = self.state.withLock { ($0.model.cache.lookup(key), $0.model.cache.changes) }
        switch known {
        case .record(_, _, let rendered?): return rendered
        case .record(let record, let stamp, nil): return self.render(record, key, stamp)
        case .gone: return nil
        case .unknown: return try self.load(key, changes).map { self.documents.render($0) }
        }
    }

    private func render(_ record: StateRecord, _ key: StateKey, _ stamp: UInt64) -> [UInt8] {
        let rendered = self.documents.render(record)
        if rendered.count <= Documents.largestKept {
            self.state.withLock { $0.model.cache.keepRendering(rendered, of: key, stamp: stamp) }
        }
        return rendered
    }

    private func load(_ key: StateKey, _ changes: UInt64) throws -> StateRecord? {
        guard let record = try self.points.read({ try ReadModelQueries($0).record(key) }) else {
            // It may have been set since memory was asked.
            return self.state.withLock { $0.model.cache.peek(key) }
        }
        return self.state.withLock { state in
            // Changed since: memory, if it still knows the key, knows better.
            guard state.model.cache.changes == changes else {
                switch state.model.cache.lookup(key) {
                case .record(let newer, _, _): return newer
                case .gone: return nil
                case .unknown: return record
                }
            }
            state.model.cache.keep(key, record, rendered: nil)
            return record
        }
    }

    func template(_ id: TemplateID) throws -> Template? {
        guard case .template(let template) = try self.record(.template(id)) else { return nil }
        return template
    }

    func session(_ id: SessionID) throws -> Session? {
        guard case .session(let session) = try self.record(.session(id)) else { return nil }
        return session
    }

    func node(_ id: NodeID) throws -> Node? {
        guard case .node(let node) = try self.record(.node(id)) else { return nil }
        return node
    }

    func execution(_ id: ExecutionID) throws -> Execution? {
        guard case .execution(let execution) = try self.record(.execution(id)) else { return nil }
        return execution
    }

    /// Asks the database, once it holds everything that was seen before the call.
    func list<Result: Sendable>(_ query: @escaping @Sendable (ReadModelQueries) throws -> Result) async throws -> Result
    {
        try await self.waitUntilWritten()
        return try await self.lists.read { try query(ReadModelQueries($0)) }
    }

    // MARK: Submitted executions

    /// Shows an execution that is about to be published: ``confirm(_:)`` or ``withdraw(_:)`` must follow.
    func expect(_ execution: Execution, perSession: Int, total: Int) throws(ReadModelState.QueueFull) {
        let now = ContinuousClock.now
        try self.state.withLock { state throws(ReadModelState.QueueFull) in
            try state.model.expect(execution, perSession: perSession, total: total, now: now)
        }
    }

    func confirm(_ id: ExecutionID) {
        let wakes = self.state.withLock { state in
            state.model.confirm(id)
            return state.isWriterIdle && state.model.hasUnwritten
        }
        if wakes { self.state.signal() }
    }

    func withdraw(_ id: ExecutionID) { self.state.withLock { $0.model.withdraw(id) } }

    // MARK: Following

    /// Takes what was followed: memory first, then those who wait, then the database.
    func receive(_ deliveries: [Delivery]) { self.receive(deliveries.map { self.decode($0) }) }

    /// Takes what was followed and is decoded.
    func receive(_ changes: [ReadModelState.Change]) {
        let now = ContinuousClock.now
        let (effects, wakes, followed) = self.state.withLock { state in
            let effects = changes.compactMap { state.model.apply($0, now: now) }
            let followed = state.followers.isEmpty ? [] : state.followers.take(offsets: state.model.offsets)
            return (effects, state.isWriterIdle || state.model.cache.queued >= Self.largeBatch, followed)
        }
        if wakes { self.state.signal() }
        for effect in effects { self.carryOut(effect) }
        for signal in followed { signal.fire() }
    }

    func carryOut(_ effect: ReadModelState.Effect) {
        switch effect {
        case .decided(let decision): self.decisions.resume(decision.command, with: decision)
        case .sessionChanged(let id): self.sessionChanges.resume(id, with: ())
        case .gone(let id): self.ends.resume(id, with: .gone)
        case .void(let key, let partition, let epoch): self.onVoid(key, partition, epoch)
        case .ended(let id, let execution):
            if let execution { self.onEnd(execution) }
            guard self.ends.isAwaited(id) else { return }
            do {
                guard let document = try self.document(.execution(id)) else { return }
                self.ends.resume(id, with: .document(document))
            } catch {
                // Only the database can fail, and what has just been set is in memory.
                self.logger.error("A record cannot be read", metadata: [LogKey.error: "\(error)"])
            }
        }
    }

    /// A record that cannot be decoded is passed over, so that it does not stop its partition.
    func decode(_ delivery: Delivery) -> ReadModelState.Change {
        var change = ReadModelState.Change(
            key: StateKey(delivery.key) ?? .decision(CommandID("")),
            record: nil,
            partition: delivery.partition,
            offset: delivery.offset
        )
        guard let body = delivery.body else { return change }
        do {
            let envelope = try Envelope<StateRecord>(decoding: body)
            change.record = envelope.payload
            change.epoch = envelope.origin?.epoch
        } catch {
            self.logger.error(
                "A state record cannot be read",
                metadata: [
                    LogKey.partition: "\(delivery.partition)", LogKey.offset: "\(delivery.offset)",
                    LogKey.error: "\(error)",
                ]
            )
            // Without a key of a thing it changes nothing.
            change.key = .decision(CommandID(""))
        }
        return change
    }

    // MARK: Figures

    /// Executions that have not ended.
    var openExecutions: Int { self.state.withLock { $0.model.depths.total } }
    /// Records that the database does not hold yet.
    var unwrittenRecords: Int { self.state.withLock { $0.model.cache.queued } }
    var cachedRecords: Int { self.state.withLock { $0.model.cache.count } }
    var cachedBytes: Int { self.state.withLock { $0.model.cache.cost } }
    /// Whether the database takes what it is given.
    var isStorageHealthy: Bool { self.state.withLock { !$0.isFailing } }

    /// Answers those who wait for executions as if their time were over: the executions go on.
    func giveUpWaiting() { self.ends.settleAll() }

    /// Stops answering lists, after ``close()``.
    func closeReaders() async { await self.lists.close() }
}
