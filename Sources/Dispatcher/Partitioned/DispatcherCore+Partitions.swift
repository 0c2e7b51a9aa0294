internal import MessageBus
internal import Messages
internal import SQLite
internal import ServiceKit
internal import StateStore

/// What changes hands when there are several dispatchers. All of it runs on the writer's thread, as the rest of the core.
extension DispatcherCore {
    /// Forgets what is stored of a partition that is about to be restored.
    func beginRestoring(_ partitions: [Int], on connection: Connection) throws {
        for partition in partitions {
            try self.store.forget(partition: partition, on: connection)
            if partition == self.templatesPartition { try self.store.forgetTemplates(on: connection) }
            self.restored[partition] = Restored()
        }
    }

    /// Stores state records of partitions that are being restored, in the order of the log. What an owner wrote that had
    /// lost the partition to a later one is passed over.
    ///
    /// - Parameter epochs: The newest claim seen so far, by partition; kept up to date.
    func restore(_ deliveries: [Delivery], epochs: inout [Int: Int64], on connection: Connection) throws {
        for delivery in deliveries {
            guard let body = delivery.body else {
                if let key = StateKey(delivery.key) { try self.store.forget(key, on: connection) }
                continue
            }
            let envelope: Envelope<StateRecord>
            do { envelope = try Envelope(decoding: body) } catch {
                // Nothing that this version wrote: what it is about is unknown, and stays unknown.
                self.metrics.deadLetters.increment()
                continue
            }
            if case .claim = envelope.payload {
                epochs[delivery.partition] = delivery.offset
                continue
            }
            if let origin = envelope.origin, origin.epoch < epochs[delivery.partition] ?? 0 { continue }
            try self.restore(envelope.payload, body, delivery.partition, on: connection)
        }
    }

    private func restore(
        _ record: StateRecord,
        _ body: [UInt8],
        _ partition: Int,
        on connection: Connection
    ) throws {
        switch record {
        case .node(let node): self.restored[partition, default: Restored()].nodes.append(node)
        case .checkpoint(let checkpoint):
            self.restored[partition, default: Restored()].isInitialized = checkpoint.isInitialized
            let next = [Topics.commands: checkpoint.commands, Topics.events: checkpoint.events]
            for (topic, offset) in next {
                try self.store.setOffset(offset, of: topic, partition: partition, on: connection)
            }
        case .template, .session, .execution, .decision, .claim:
            try self.store.save(record, encoded: body, partition: partition, on: connection)
        }
    }

    /// Makes restored partitions ours, and says to the nodes once more what they are to do.
    ///
    /// - Parameter epochs: Of our claims.
    /// - Returns: The first commands and events that are not in the state, by partition and topic.
    func adopt(_ epochs: [Int: Int64], now: Timestamp, on connection: Connection) throws -> [Int: [String: Int64]] {
        connection.afterRollback {
            for partition in epochs.keys { self.epochs?[partition] = nil }
            self.invalidate()
        }
        connection.afterCommit { for partition in epochs.keys { self.restored[partition] = nil } }
        var (state, offsets) = try self.take(on: connection)
        for (partition, epoch) in epochs {
            self.epochs?[partition] = epoch
            self.contested.remove(partition)
            state.owned?.insert(partition)
        }
        try self.load(into: &state, on: connection) { epochs[$0] != nil }
        for topic in Dispatcher.topics {
            for (partition, next) in try self.store.offsets(of: topic, on: connection) where epochs[partition] != nil {
                offsets[topic, default: [:]][partition] = next
            }
        }
        for partition in epochs.keys.sorted() {
            let known = self.restored[partition] ?? Restored()
            for node in known.nodes { state.restore(node, now: now) }
            var actions = try state.repeated(
                partition: partition,
                lookup: StoreLookup(store: self.store, connection: connection)
            )
            if partition == self.templatesPartition, !known.isInitialized {
                for template in DefaultTemplates.all(now: now) { state.templates[template.id] = template }
                actions += self.defaultTemplates(now)
            }
            try self.carryOut(actions, now: now, on: connection)
            try self.askForReports(Array(state.placement.nodes.keys), partition, now: now, on: connection)
        }
        try self.writeCheckpoints(of: Set(epochs.keys), offsets, on: connection)
        let next = epochs.keys.map { partition in
            (partition, Dispatcher.topics.reduce(into: [:]) { $0[$1] = offsets[$1]?[partition] ?? 0 })
        }
        self.put(state, offsets)
        return Dictionary(uniqueKeysWithValues: next)
    }

    /// Tells each node that the partition has another owner from now on, by asking what it has.
    private func askForReports(_ nodes: [NodeID], _ partition: Int, now: Timestamp, on connection: Connection) throws {
        let body = Envelope(at: now, origin: self.origin(partition), NodeCommand.report).encoded()
        let messages = nodes.sorted().map { OutgoingMessage(topic: Topics.node($0), key: "", body: body) }
        if !messages.isEmpty { try self.outlet.append(messages, on: connection) }
    }

    /// Forgets partitions that are somebody else's from now on.
    func drop(_ partitions: [Int], on connection: Connection) throws {
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        for partition in partitions {
            try self.store.forget(partition: partition, on: connection)
            if partition == self.templatesPartition { try self.store.forgetTemplates(on: connection) }
            state.forget(partition: partition)
            for topic in Dispatcher.topics { offsets[topic]?[partition] = nil }
            self.epochs?[partition] = nil
            self.restored[partition] = nil
            self.contested.remove(partition)
        }
        self.put(state, offsets)
    }

    /// Looks for other nodes for sessions whose node is full.
    func refuse(_ places: [CapacityKeeper.Place], now: Timestamp, on connection: Connection) throws {
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        var actions: [DispatcherAction] = []
        for place in places { state.placementRefused(place.session, by: place.node, now: now, into: &actions) }
        try self.carryOut(actions, now: now, on: connection)
        self.put(state, offsets)
    }

    /// Which nodes have room for how much, and the places on them that are ours.
    func places(on connection: Connection) throws -> (capacity: [NodeID: Int], places: [CapacityKeeper.Place]) {
        let (state, offsets) = try self.take(on: connection)
        defer { self.put(state, offsets) }
        let places = state.sessions.values.compactMap { slot in
            slot.machine.node.map { CapacityKeeper.Place(session: slot.session.spec.id, node: $0) }
        }
        let present = state.placement.nodes.filter { $0.value.heartbeat != nil && $0.value.availability != .lost }
        return (present.mapValues(\.capacity), places)
    }

    /// Counts the silence of nodes from now on: it was not theirs.
    func forgiveSilence(now: Timestamp, on connection: Connection) throws {
        connection.afterRollback { self.invalidate() }
        var (state, offsets) = try self.take(on: connection)
        state.placement.forgiveSilence(now: now)
        self.put(state, offsets)
    }

    /// Says how far commands and events are in the state, behind the records that follow from them.
    func writeCheckpoints(
        of partitions: Set<Int>,
        _ offsets: [String: [Int: Int64]],
        on connection: Connection
    ) throws {
        guard self.epochs != nil, !partitions.isEmpty else { return }
        let messages = partitions.sorted().map { partition in
            let checkpoint = Checkpoint(
                partition: partition,
                commands: offsets[Topics.commands]?[partition] ?? 0,
                events: offsets[Topics.events]?[partition] ?? 0,
                isInitialized: true
            )
            let record = StateRecord.checkpoint(checkpoint)
            let origin = self.origin(partition)
            let body = Envelope(id: CommandID(""), at: Timestamp(microseconds: 0), origin: origin, record).encoded()
            return Self.state(record.key, partition, body)
        }
        try self.outlet.append(messages, on: connection)
    }

    /// A command may say that somebody else has claimed the partition behind us. It is ours by the group's word, so whoever
    /// it was had lost it: ``takeContested()`` has it claimed again.
    func noteContest(_ command: Envelope<Messages.Command>, _ partition: Int) {
        guard case .restate(_, let epoch) = command.payload, let own = self.epochs?[partition], epoch > own else {
            return
        }
        self.contested.insert(partition)
    }

    /// The partitions that are to be claimed again.
    func takeContested() -> [Int] {
        defer { self.contested = [] }
        return self.contested.sorted()
    }

    /// A partition of ours has been claimed again.
    func reclaimed(_ epochs: [Int: Int64]) {
        for (partition, epoch) in epochs where self.epochs?[partition] != nil { self.epochs?[partition] = epoch }
    }
}
