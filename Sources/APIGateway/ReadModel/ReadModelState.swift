import Messages
import StateStore

/// What the gateway knows: the newest records, how far the state topic has been followed, and what waits to be written.
///
/// A value without lock, clock or I/O: ``ReadModel`` brings those.
struct ReadModelState {
    typealias Instant = ContinuousClock.Instant

    /// A record of the state topic, decoded.
    struct Change {
        var key: StateKey
        /// `nil` for a tombstone.
        var record: StateRecord?
        var partition: Int
        var offset: Int64
        /// Since which claim its writer owns the partition; `nil` where there is but one writer.
        var epoch: Int64?
    }

    /// What others wait for.
    enum Effect: Equatable {
        case decided(Decision)
        /// With the execution if its end is news.
        case ended(ExecutionID, Execution?)
        case sessionChanged(SessionID)
        /// The execution went along with its session.
        case gone(ExecutionID)
        /// Somebody who had lost the partition wrote this behind its new owner: compaction may have dropped what was true.
        case void(StateKey, partition: Int, epoch: Int64)
    }

    /// What one transaction of the database takes.
    struct Batch {
        var changes: [ReadModelChange]
        var offsets: [Int: Int64]
        var claims: [Int: Int64]
    }

    var cache: RecordCache
    private(set) var depths = QueueDepths()
    private var drain: DrainRate
    /// The next offset, by partition.
    private(set) var offsets: [Int: Int64]
    private var changedOffsets: [Int: Int64] = [:]
    /// The offset of the newest claim, by partition.
    private var claims: [Int: Int64] = [:]
    private var changedClaims: [Int: Int64] = [:]

    init(cacheBytes: Int, now: Instant) {
        self.cache = RecordCache(capacity: cacheBytes)
        self.drain = DrainRate(now: now)
        self.offsets = [:]
    }

    /// Goes on from what the database holds.
    mutating func restore(
        offsets: [Int: Int64],
        claims: [Int: Int64] = [:],
        open: [(execution: ExecutionID, session: SessionID)]
    ) {
        self.offsets = offsets
        self.claims = claims
        for entry in open { self.depths.insert(entry.execution, of: entry.session) }
    }

    /// Whether there is something to write.
    var hasUnwritten: Bool { self.cache.queued > 0 || !self.changedOffsets.isEmpty }

    // MARK: The state topic

    /// Takes what was followed. A record that is older than what is known changes nothing.
    mutating func apply(_ change: Change, now: Instant) -> Effect? {
        self.offsets[change.partition] = change.offset + 1
        self.changedOffsets[change.partition] = change.offset + 1
        return self.learn(change, now: now)
    }

    /// Takes a record wherever it comes from.
    mutating func learn(_ change: Change, now: Instant) -> Effect? {
        if let epoch = change.epoch, let claim = self.claims[change.partition], epoch < claim {
            return .void(change.key, partition: change.partition, epoch: claim)
        }
        switch (change.record, change.key) {
        case (.claim, _):
            self.claims[change.partition] = change.offset
            self.changedClaims[change.partition] = change.offset
            return nil
        case (.checkpoint, _), (_, .claim), (_, .checkpoint): return nil
        case (.decision(let decision), _): return .decided(decision)
        case (_, .decision): return nil
        case (.execution(let execution), _):
            guard Self.isNews(.execution(execution), after: self.cache.peek(change.key)) else { return nil }
            self.cache.set(change.key, to: .execution(execution))
            guard execution.status.isTerminal else {
                self.depths.insert(execution.spec.id, of: execution.spec.session)
                return nil
            }
            let isNew = self.depths.remove(execution.spec.id)
            if isNew { self.drain.ended(now: now) }
            return .ended(execution.spec.id, isNew ? execution : nil)
        case (let record?, _):
            guard Self.isNews(record, after: self.cache.peek(change.key)) else { return nil }
            self.cache.set(change.key, to: record)
            if case .session(let id) = change.key { return .sessionChanged(id) }
            return nil
        case (nil, .execution(let id)):
            self.cache.set(change.key, to: nil)
            self.depths.remove(id)
            return .gone(id)
        case (nil, .session(let id)):
            self.cache.set(change.key, to: nil)
            return .sessionChanged(id)
        case (nil, _):
            self.cache.set(change.key, to: nil)
            return nil
        }
    }

    /// Whether a record may replace what is known: records may come twice, and a terminal status never changes.
    static func isNews(_ record: StateRecord, after known: StateRecord?) -> Bool {
        switch (record, known) {
        case (.execution(let new), .execution(let old)): new.version >= old.version
        case (.session(let new), .session(let old)):
            new.spec.incarnation != old.spec.incarnation || new.version >= old.version
        default: true
        }
    }

    // MARK: Submitted executions

    /// Why an execution is not taken.
    struct QueueFull: Error, Equatable {
        var message: String
        var retryAfterSeconds: Int
    }

    /// Shows an execution that is about to be published, so that no record of it can come before it is known.
    mutating func expect(
        _ execution: Execution,
        perSession: Int,
        total: Int,
        now: Instant
    ) throws(QueueFull) {
        let depth = self.depths.depth(of: execution.spec.session)
        if depth >= perSession {
            throw QueueFull(
                message: "the session has \(depth) executions that have not ended; the limit is \(perSession)",
                retryAfterSeconds: self.drain.secondsUntil(excess: depth - perSession + 1, now: now)
            )
        }
        if self.depths.total >= total {
            throw QueueFull(
                message: "\(self.depths.total) executions have not ended; the limit is \(total)",
                retryAfterSeconds: self.drain.secondsUntil(excess: self.depths.total - total + 1, now: now)
            )
        }
        self.depths.insert(execution.spec.id, of: execution.spec.session)
        self.cache.hold(.execution(execution.spec.id), .execution(execution))
    }

    /// The execution is on the log.
    mutating func confirm(_ id: ExecutionID) { _ = self.cache.confirm(.execution(id)) }

    /// The execution is not on the log.
    mutating func withdraw(_ id: ExecutionID) {
        if self.cache.withdraw(.execution(id)) { self.depths.remove(id) }
    }

    // MARK: The database

    /// What is to be written, as one transaction. ``didWrite(_:)`` or ``didFailToWrite(_:)`` must follow.
    mutating func takeBatch() -> Batch {
        defer {
            self.changedOffsets = [:]
            self.changedClaims = [:]
        }
        return Batch(changes: self.cache.takeBatch(), offsets: self.changedOffsets, claims: self.changedClaims)
    }

    mutating func didWrite(_ batch: Batch) { self.cache.didWrite(batch.changes) }

    mutating func didFailToWrite(_ batch: Batch) {
        self.cache.didFailToWrite(batch.changes)
        // Newer offsets win: what they stand for is queued too.
        self.changedOffsets.merge(batch.offsets) { newer, _ in newer }
        self.changedClaims.merge(batch.claims) { newer, _ in newer }
    }

    /// Gives up what the database does not take: the offsets there stay behind too, so it is followed again.
    mutating func abandonUnwritten() { _ = self.takeBatch() }
}
