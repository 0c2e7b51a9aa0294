internal import MessageBus
internal import Messages
internal import ServiceKit

extension PartitionedDispatcher {
    private var patience: LogPatience { LogPatience(logger: self.logger) }

    /// Makes gained partitions ours: claims them, restores their state, and goes on where it ends.
    func takeOver(_ partitions: [Int], _ ownership: any PartitionOwnership, _ store: Store) async throws {
        defer { self.takeovers.end(partitions) }
        let core = self.core
        try await store.transaction { try core.beginRestoring(partitions, on: $0) }
        let epochs = try await self.claim(partitions, from: [:], store)
        let wanted = Set(self.takeovers.wanted(partitions))
        let ours = epochs.filter { wanted.contains($0.key) }
        let now = self.clock()
        let next = try await store.transaction { try core.adopt(ours, now: now, on: $0) }
        try await self.catchUp(next, store)
        self.logger.info("Partitions are ours", metadata: ["partitions": "\(ours.keys.sorted())"])
        let offsets = try await store.transaction { try core.next(on: $0) }
        for partition in self.takeovers.wanted(ours.keys.sorted()) {
            let start = Dispatcher.topics.reduce(into: [String: Int64]()) { $0[$1] = offsets[$1]?[partition] ?? 0 }
            self.consumed.withLock { consumed in
                for (topic, offset) in start { consumed[topic, default: [:]][partition] = offset }
            }
            do {
                try await ownership.begin(partition, at: start)
            } catch {
                // Gone meanwhile: that is told as an event of its own.
                guard error.code == .notHeld else { throw error }
            }
        }
    }

    /// Claims partitions of ours again: somebody who had lost them has claimed them behind us.
    func reclaim(_ partitions: [Int], _ store: Store) async throws {
        self.logger.warning("Claiming partitions again", metadata: ["partitions": "\(partitions)"])
        guard let ends = try await self.patience.answer({ try await self.bus.endOffsets(of: Topics.state) }) else {
            return
        }
        let from = partitions.reduce(into: [Int: Int64]()) { $0[$1] = ends[$1] }
        let core = self.core
        let epochs = try await self.claim(partitions, from: from, nil)
        _ = try await store.transaction { _ in core.reclaimed(epochs) }
    }

    /// Writes a claim for each partition and reads on to it: everything before is the state, what is behind it and not ours
    /// is void.
    ///
    /// - Parameter store: Takes what is read; `nil` if only the claims matter.
    /// - Returns: Where the claims lie.
    private func claim(_ partitions: [Int], from: [Int: Int64], _ store: Store?) async throws -> [Int: Int64] {
        let token = "\(self.member)/\(SortableID.next())"
        let now = self.clock()
        let claims = partitions.map { partition in
            let record = StateRecord.claim(Claim(partition: partition, owner: token))
            return OutgoingMessage(
                topic: Topics.state,
                key: record.key.text,
                partition: partition,
                body: Envelope(at: now, record).encoded()
            )
        }
        try await self.send(claims)
        let following = try await self.patience.answer {
            try await self.bus.follow(Topics.state, only: partitions, from: from)
        }
        // Asked to stop: nothing is taken over any more.
        guard let follower = following else { return [:] }
        let outcome: Result<[Int: Int64], any Error>
        do {
            outcome = .success(try await self.read(follower, upTo: token, of: partitions, store))
        } catch {
            outcome = .failure(error)
        }
        await follower.close()
        return try outcome.get()
    }

    private func read(
        _ follower: any MessageFollower,
        upTo token: String,
        of partitions: [Int],
        _ store: Store?
    ) async throws -> [Int: Int64] {
        var own: [Int: Int64] = [:]
        let core = self.core
        let epochs = Locked<[Int: Int64]>([:])
        while own.count < partitions.count {
            let deliveries = try await follower.next(upTo: 1024)
            // Closed along with the bus.
            if deliveries.isEmpty { throw CancellationError() }
            // Nobody's word counts behind our claim, and ours is yet to come.
            var before: [Delivery] = []
            for delivery in deliveries where own[delivery.partition] == nil {
                before.append(delivery)
                if Self.isClaim(delivery, of: token) { own[delivery.partition] = delivery.offset }
            }
            guard let store else { continue }
            let records = before
            try await store.transaction { connection in
                var known = epochs.withLock { $0 }
                try core.restore(records, epochs: &known, on: connection)
                epochs.withLock { $0 = known }
            }
            if self.takeovers.wanted(partitions).isEmpty { return own }
        }
        return own
    }

    private static func isClaim(_ delivery: Delivery, of token: String) -> Bool {
        guard delivery.key == StateKey.claim(delivery.partition).text, let body = delivery.body,
            // What cannot be read is no claim of ours.
            case .claim(let claim)? = try? Envelope<StateRecord>(decoding: body).payload
        else { return false }
        return claim.owner == token
    }

    /// Consumes the commands that were there before the takeover, before any event: an event is about something that was
    /// commanded, perhaps by a command that the state does not have.
    private func catchUp(_ next: [Int: [String: Int64]], _ store: Store) async throws {
        guard !next.isEmpty else { return }
        let from = next.mapValues { $0[Topics.commands] ?? 0 }
        let following = try await self.patience.answer {
            try await self.bus.follow(Topics.commands, only: Array(next.keys), from: from)
        }
        guard let follower = following else { return }
        async let caughtUp: Void = {
            try await follower.waitUntilCaughtUp()
            await follower.close()
        }()
        let core = self.core
        while true {
            let deliveries = try await follower.next(upTo: self.configuration.batchSize)
            if deliveries.isEmpty { break }
            let now = self.clock()
            try await store.transaction { try core.consume(deliveries, receivedAt: now, on: $0) }
        }
        try await caughtUp
    }
}
