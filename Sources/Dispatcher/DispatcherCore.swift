internal import MessageBus
internal import Messages
internal import SQLite
internal import ServiceKit
internal import StateStore

/// The dispatcher's state beside its store: both change in one transaction.
///
/// Not `Sendable` by itself: it is touched on the writer's thread only, one record after the other.
final class DispatcherCore: InlineConsumer, @unchecked Sendable {
    // Sound: every method is called from a body or completion of the one `SerialWriter`, which run on its thread.
    let store = DispatcherStore()
    let configuration: DispatcherConfiguration
    let metrics: DispatcherMetrics
    let outlet: any DispatcherOutlet
    private var loaded: (state: DispatcherState, offsets: [String: [Int: Int64]])?
    /// Since which claim each partition is ours; `nil` where there is but one dispatcher, and all of them are.
    var epochs: [Int: Int64]?
    /// What was restored of partitions that are yet to be adopted.
    var restored: [Int: Restored] = [:]
    /// Partitions of which a later claim than ours is known, though they are ours.
    var contested: Set<Int> = []

    private var moves = Moves()

    /// Sessions that were placed on nodes, or left them, by what was decided.
    struct Moves: Sendable {
        var taken: [CapacityKeeper.Place] = []
        var left: [CapacityKeeper.Place] = []
    }

    struct Restored {
        var nodes: [Node] = []
        var isInitialized = false
    }

    /// - Parameter isPartitioned: Whether partitions are adopted and dropped; else all are ours from the beginning.
    init(
        configuration: DispatcherConfiguration,
        outlet: any DispatcherOutlet,
        metrics: DispatcherMetrics,
        isPartitioned: Bool = false
    ) {
        self.configuration = configuration
        self.outlet = outlet
        self.metrics = metrics
        self.epochs = isPartitioned ? [:] : nil
    }

    /// Forgets what is in memory: the transaction it belongs to was undone. It is read back before the next use.
    func invalidate() {
        self.loaded = nil
        self.moves = Moves()
    }

    /// What moved since it was last asked.
    func takeMoves() -> Moves {
        defer { self.moves = Moves() }
        return self.moves
    }

    /// Makes the tables, and on a new installation the default templates.
    func prepare(on connection: Connection, now: Timestamp) throws {
        try self.store.prepare(connection)
        guard self.epochs == nil, try self.store.mark("default-templates", on: connection) else { return }
        try self.carryOut(self.defaultTemplates(now), now: now, on: connection)
    }

    func defaultTemplates(_ now: Timestamp) -> [DispatcherAction] {
        DefaultTemplates.all(now: now).map { .save(.template($0), partition: self.templatesPartition) }
    }

    var templatesPartition: Int {
        Partitioner.partition(of: Topics.templatesKey, count: self.configuration.partitions)
    }

    /// The first offset of each partition that was not consumed, by topic.
    func next(on connection: Connection) throws -> [String: [Int: Int64]] {
        let (state, offsets) = try self.take(on: connection)
        self.put(state, offsets)
        return offsets
    }

    /// Applies records of one topic. What was consumed before changes nothing.
    func consume(_ deliveries: [Delivery], on connection: Connection) throws {
        try self.consume(deliveries, receivedAt: nil, on: connection)
    }

    /// - Parameter receivedAt: By the clock that the silence of nodes is measured with; `nil` if it is not.
    func consume(_ deliveries: [Delivery], receivedAt: Timestamp?, on connection: Connection) throws {
        guard let topic = deliveries.first?.topic else { return }
        // The transaction may be undone after this has succeeded: memory must not be ahead of what is stored.
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        state.receivedAt = receivedAt
        let lookup = StoreLookup(store: self.store, connection: connection)
        var changed: Set<Int> = []
        for delivery in deliveries
        where delivery.offset >= offsets[topic]?[delivery.partition] ?? 0 && self.owns(delivery.partition) {
            offsets[topic, default: [:]][delivery.partition] = delivery.offset + 1
            changed.insert(delivery.partition)
            let record: Record
            do {
                record = try Record(delivery)
            } catch {
                try self.bury(delivery, error, on: connection)
                continue
            }
            if case .command(let command) = record { self.noteContest(command, delivery.partition) }
            let actions =
                switch record {
                case .command(let command): try state.apply(command, partition: delivery.partition, lookup: lookup)
                case .event(let event): try state.apply(event, partition: delivery.partition, lookup: lookup)
                }
            try self.carryOut(actions, now: record.at, on: connection)
        }
        for partition in changed {
            guard let offset = offsets[topic]?[partition] else { continue }
            try self.store.setOffset(offset, of: topic, partition: partition, on: connection)
        }
        try self.writeCheckpoints(of: changed, offsets, on: connection)
        self.put(state, offsets)
    }

    func owns(_ partition: Int) -> Bool { self.epochs.map { $0[partition] != nil } ?? true }

    /// Passes what was deleted before it could be consumed.
    func advance(_ topic: String, to ends: [Int64], on connection: Connection) throws {
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        for (partition, end) in ends.enumerated() where offsets[topic]?[partition] ?? 0 < end {
            offsets[topic, default: [:]][partition] = end
            try self.store.setOffset(end, of: topic, partition: partition, on: connection)
        }
        self.put(state, offsets)
    }

    /// Ends what is overdue and forgets what was kept long enough.
    ///
    /// - Parameter silentSince: Nodes that were not heard of since are given up; `nil` for none.
    /// - Returns: Whether there is more to forget.
    func expire(now: Timestamp, silentSince: Timestamp? = nil, on connection: Connection) throws -> Bool {
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        let lookup = StoreLookup(store: self.store, connection: connection)
        var actions = try state.expire(now: now, silentSince: silentSince, lookup: lookup)
        var forgotten = 0
        if let retention = self.configuration.settings.executionRetention {
            let limit = Timestamp(microseconds: now.microseconds - Int64(retention / .microseconds(1)))
            for (id, partition) in try self.store.executions(endedBefore: limit, limit: 500, on: connection)
            where self.owns(partition) {
                actions.append(.forget(.execution(id), partition: partition))
                forgotten += 1
            }
        }
        try self.carryOut(actions, now: now, on: connection)
        self.put(state, offsets)
        return forgotten == 500
    }

    // MARK: State in memory

    /// Takes the state out: mutated in place it is not copied, and after an error it is gone, to be read back.
    func take(on connection: Connection) throws -> (DispatcherState, [String: [Int: Int64]]) {
        if let loaded = self.loaded {
            self.loaded = nil
            return loaded
        }
        var state = DispatcherState()
        state.settings = self.configuration.settings
        state.partitions = self.configuration.partitions
        state.owned = self.epochs.map { Set($0.keys) }
        for (node, capacity) in try self.store.nodes(on: connection) {
            state.placement.nodeReported(node, capacity: capacity)
        }
        try self.load(into: &state, on: connection) { self.owns($0) }
        let offsets = [
            Topics.commands: try self.store.offsets(of: Topics.commands, on: connection),
            Topics.events: try self.store.offsets(of: Topics.events, on: connection),
        ]
        return (state, offsets)
    }

    /// Takes in what is stored of the partitions, sessions before their executions.
    func load(
        into state: inout DispatcherState,
        on connection: Connection,
        where isWanted: (Int) -> Bool
    ) throws {
        if isWanted(self.templatesPartition) {
            for template in try self.store.templates(on: connection) { state.templates[template.id] = template }
        }
        for (session, partition) in try self.store.activeSessions(on: connection) where isWanted(partition) {
            state.restore(session, partition: partition)
        }
        try self.store.forEachActiveExecution(on: connection) { execution in
            guard let slot = state.sessions[execution.spec.session], isWanted(slot.partition) else { return }
            state.restore(execution)
        }
    }

    func put(_ state: DispatcherState, _ offsets: [String: [Int: Int64]]) {
        self.metrics.sessions.set(Double(state.sessions.count))
        self.metrics.executions.set(Double(state.executions.count))
        self.metrics.unplaced.set(Double(state.unplaced.count))
        self.loaded = (state, offsets)
    }

    // MARK: Effects

    func carryOut(
        _ actions: [DispatcherAction],
        now: Timestamp,
        on connection: Connection
    ) throws {
        var outgoing: [OutgoingMessage] = []
        for action in actions {
            switch action {
            case .save(let record, let partition):
                let body = Envelope(id: CommandID(""), at: now, origin: self.origin(partition), record).encoded()
                try self.store.save(record, encoded: body, partition: partition, on: connection)
                outgoing.append(Self.state(record.key, partition, body))
                self.metrics.record(record)
            case .forget(let key, let partition):
                try self.store.forget(key, on: connection)
                outgoing.append(Self.state(key, partition, nil))
            case .saveNode(let node, let capacity):
                try self.store.save(node, capacity: capacity, on: connection)
            case .send(let node, let command):
                if self.epochs != nil { self.note(command, to: node) }
                let origin = command.key.flatMap {
                    self.origin(Partitioner.partition(of: $0, count: self.configuration.partitions))
                }
                let body = Envelope(id: CommandID(""), at: now, origin: origin, command).encoded()
                outgoing.append(OutgoingMessage(topic: Topics.node(node), key: command.key ?? "", body: body))
            case .decide(let decision, let partition):
                let key = StateKey.decision(decision.command)
                let record = StateRecord.decision(decision)
                let body = Envelope(id: decision.command, at: now, origin: self.origin(partition), record).encoded()
                outgoing.append(Self.state(key, partition, body))
                outgoing.append(Self.state(key, partition, nil))
            }
        }
        self.metrics.decisions.increment(by: UInt64(actions.count))
        if !outgoing.isEmpty { try self.outlet.append(outgoing, on: connection) }
    }

    private func note(_ command: NodeCommand, to node: NodeID) {
        switch command {
        case .ensureSession(let spec, container: nil):
            self.moves.taken.append(CapacityKeeper.Place(session: spec.id, node: node))
        case .endSession(let reference):
            self.moves.left.append(CapacityKeeper.Place(session: reference.session, node: node))
        default: break
        }
    }

    func origin(_ partition: Int) -> Origin? {
        self.epochs?[partition].map { Origin(partition: partition, epoch: $0) }
    }

    static func state(_ key: StateKey, _ partition: Int, _ body: [UInt8]?) -> OutgoingMessage {
        OutgoingMessage(topic: Topics.state, key: key.text, partition: partition, body: body)
    }

    /// Puts aside what cannot be read, with the reason: it never stops a partition.
    private func bury(
        _ delivery: Delivery,
        _ error: MessageError,
        on connection: Connection
    ) throws {
        self.metrics.deadLetters.increment()
        let letter = DeadLetter(
            topic: delivery.topic,
            partition: delivery.partition,
            offset: Int(delivery.offset),
            reason: "\(error.code): \(error.message)",
            body: delivery.body ?? []
        )
        try self.outlet.append(
            [OutgoingMessage(topic: Topics.deadLetter, key: delivery.key, body: letter.encoded())],
            on: connection
        )
    }
}

/// What the dispatcher consumes.
private enum Record {
    case command(Envelope<Messages.Command>)
    case event(Envelope<Event>)

    init(_ delivery: Delivery) throws(MessageError) {
        let body = delivery.body ?? []
        self =
            delivery.topic == Topics.commands
            ? .command(try Envelope(decoding: body)) : .event(try Envelope(decoding: body))
    }

    var at: Timestamp {
        switch self {
        case .command(let command): command.at
        case .event(let event): event.at
        }
    }
}

/// Looks into the store within the transaction at hand.
struct StoreLookup: DispatcherLookup {
    let store: DispatcherStore
    let connection: Connection

    func session(_ id: SessionID) throws -> Session? { try self.store.session(id, on: self.connection) }
    func execution(_ id: ExecutionID) throws -> Execution? { try self.store.execution(id, on: self.connection) }
    func executions(of session: SessionID) throws -> [ExecutionID] {
        try self.store.executions(of: session, on: self.connection)
    }
}
