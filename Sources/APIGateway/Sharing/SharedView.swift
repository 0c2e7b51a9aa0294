import Coordination
import MessageBus
import Messages
import ServiceKit

/// Keeps the views of several gateways together, so that a client may go from one to the next: what one of them has shown
/// the others know, though they may not have followed the log as far.
///
/// Everything is put before it is shown. Without the cache a gateway still finds what the log has, by asking how far that
/// goes; what was accepted and is not decided on yet may be unknown at the other gateways for some milliseconds then.
final class SharedView: Sendable {
    private let statuses: any StatusCache
    private let model: ReadModel
    private let bus: any MessageBus
    private let logger: Logger
    private let isFailing = Locked(false)
    private let unshown = Locked(UnshownExecutions(lifetime: SharedStatus.lifetime))

    init(statuses: any StatusCache, model: ReadModel, bus: any MessageBus, logger: Logger) {
        self.statuses = statuses
        self.model = model
        self.bus = bus
        self.logger = logger
    }

    /// Whether it can be shown as it is: an execution that has ended stays so, and the others know of it if anybody does.
    func isFinal(_ key: StateKey) -> Bool {
        guard case .execution(let id) = key, !self.unshown.withLock({ $0.contains(id) }) else { return false }
        // What cannot be read is asked for, and the error shows then.
        guard let record = try? self.model.record(key), case .execution(let execution) = record else { return false }
        return execution.status.isTerminal
    }

    // MARK: Telling the others

    /// Puts what was followed, before it is shown. Old news are nobody's concern. Executions are put when they are shown,
    /// see ``show(_:)``: every gateway follows every one of them, and one of them is asked.
    func share(_ changes: [ReadModelState.Change], _ deliveries: [Delivery]) async {
        let (now, instant) = (Timestamp.now(), ContinuousClock.now)
        let oldest = now.microseconds / 1000 - Int64(SharedStatus.lifetime / .milliseconds(1))
        var entries: [StatusEntry] = []
        for (change, delivery) in zip(changes, deliveries) where delivery.timestamp >= oldest {
            if let record = change.record, let body = delivery.body {
                if case .execution(let execution) = record {
                    guard execution.status.isTerminal else { continue }
                    self.unshown.withLock { $0.insert(execution.spec.id, now: instant) }
                } else if let entry = SharedStatus.entry(change.key, record, body: body) {
                    entries.append(entry)
                }
            } else if change.record == nil {
                let known = self.model.peek(change.key)
                if let entry = SharedStatus.tombstone(change.key, after: known, now: now) { entries.append(entry) }
            }
        }
        await self.put(entries)
    }

    /// Notes an execution that was accepted and that its client is told of when it has ended: lists may show it before.
    func keep(_ id: ExecutionID) { self.unshown.withLock { $0.insert(id, now: .now) } }

    /// Puts those of the executions that nobody was shown as they are. Comes before each answer that may show one anew.
    func show(_ ids: [ExecutionID]) async {
        let new = self.unshown.withLock { unshown in ids.filter { unshown.contains($0) } }
        if new.isEmpty { return }
        // What cannot be read cannot be shown either.
        let records = new.compactMap { try? self.model.record(.execution($0)) }
        await self.put(records.compactMap { Self.entry($0) })
        for record in records { self.noteShown(record) }
    }

    /// An end that was put needs not be put again. What goes on may have ended since it was read.
    private func noteShown(_ record: StateRecord) {
        guard case .execution(let execution) = record, execution.status.isTerminal else { return }
        self.unshown.withLock { $0.remove(execution.spec.id) }
    }

    /// Puts an execution that was accepted, before the client is told.
    func share(_ execution: Execution) async { await self.share(.execution(execution)) }

    private func share(_ record: StateRecord) async {
        if let entry = Self.entry(record) { await self.put([entry]) }
    }

    private static func entry(_ record: StateRecord) -> StatusEntry? {
        SharedStatus.entry(record.key, record, body: Envelope(id: CommandID(""), at: .now(), record).encoded())
    }

    private func put(_ entries: [StatusEntry]) async {
        guard !entries.isEmpty else { return }
        do throws(CoordinationError) {
            try await self.statuses.put(entries, lifetime: SharedStatus.lifetime)
            self.noteSuccess()
        } catch {
            self.note(error)
        }
    }

    // MARK: Learning from the others

    /// Returns when this gateway knows what any other has shown of the thing.
    func refresh(_ key: StateKey) async throws {
        let known = try self.model.record(key)
        let entry: StatusEntry?
        do throws(CoordinationError) {
            entry = try await self.statuses.entries([key.text]).first ?? nil
            self.noteSuccess()
        } catch {
            self.note(error)
            if known == nil { try await self.find(key) }
            return
        }
        guard let entry, entry.version > SharedStatus.version(known) ?? -1 else {
            // What is shown now must not be unknown elsewhere.
            if let known, entry?.version ?? -1 < SharedStatus.version(known) ?? -1 { await self.share(known) }
            if let known { self.noteShown(known) }
            if known == nil, entry == nil, Self.wasMadeLately(key) { try await self.find(key) }
            return
        }
        // Gone, or too large to be passed along: the log has it.
        if entry.value == SharedStatus.gone || entry.value.isEmpty { return try await self.catchUp() }
        do {
            self.model.learn(try Envelope<StateRecord>(decoding: entry.value).payload)
        } catch {
            self.logger.warning("A shared record cannot be read", metadata: [LogKey.error: "\(error)"])
            try await self.catchUp()
        }
    }

    /// For what neither this gateway nor the cache knows: the log may have it, or nobody has decided on it yet.
    ///
    /// - Throws: ``APIError`` 503 for an execution whose id was made lately: another gateway may have accepted it, and the
    ///   cache lost it since. The log has it as soon as a dispatcher has read its command.
    private func find(_ key: StateKey) async throws {
        try await self.catchUp()
        guard case .execution(let id) = key, Self.wasMadeLately(key), try self.model.record(key) == nil else { return }
        throw APIError.unavailable(
            "the execution '\(id)' may have been accepted a moment ago; ask again",
            code: "execution_not_known_yet"
        )
    }

    /// Whether the cache would have it, had it lost nothing. Made up ids seldom are like that: they cost no look at the log.
    private static func wasMadeLately(_ key: StateKey) -> Bool {
        let madeAt: Timestamp? =
            switch key {
            case .session(let id): id.madeAt
            case .execution(let id): id.madeAt
            case .template, .decision, .node, .claim, .checkpoint: nil
            }
        guard let made = madeAt else { return false }
        let age = Timestamp.now().microseconds - made.microseconds
        // Gateways' clocks may differ.
        return abs(age) < Int64(SharedStatus.lifetime / .microseconds(1))
    }

    /// Returns when everything is followed that the log holds now.
    func catchUp() async throws {
        let ends: [Int64] = try await self.bus.endOffsets(of: Topics.state)
        try await self.model.waitUntilFollowed(ends)
    }

    private func noteSuccess() {
        let wasFailing = self.isFailing.withLock { isFailing in
            defer { isFailing = false }
            return isFailing
        }
        if wasFailing { self.logger.notice("The status cache answers again") }
    }

    private func note(_ error: CoordinationError) {
        let isNew = self.isFailing.withLock { isFailing in
            defer { isFailing = true }
            return !isFailing
        }
        if isNew {
            self.logger.warning(
                "The status cache does not answer; going on without it",
                metadata: [LogKey.error: "\(error)"]
            )
        }
    }
}
