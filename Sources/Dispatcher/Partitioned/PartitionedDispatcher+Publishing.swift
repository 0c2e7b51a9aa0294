internal import MessageBus
internal import Messages
internal import ServiceKit

extension PartitionedDispatcher {
    private static var pause: Duration { .milliseconds(50) }

    /// Publishes what follows from decisions, in order, however long the log refuses.
    func publish() async throws {
        while true {
            let messages = try await self.outbox.next()
            try await self.send(messages)
            self.outbox.published(messages)
        }
    }

    /// - Throws: ``BusError`` that no repetition helps against; `CancellationError`.
    func send(_ messages: [OutgoingMessage]) async throws {
        var isRefused = false
        while let error = await self.attempt(messages) {
            if error.code == .invalidMessage, messages.count > 1 {
                for message in messages { try await self.send([message]) }
                return
            }
            if error.code == .invalidMessage {
                // What cannot be stored must not stop everything else.
                self.logger.error("The log does not take a record", metadata: ["error": "\(error)"])
                return
            }
            guard error.isRetriable else { throw error }
            if !isRefused {
                isRefused = true
                self.logger.error("The log refuses decisions; trying again", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: Self.pause)
        }
        if isRefused { self.logger.notice("The log takes decisions again") }
    }

    private func attempt(_ messages: [OutgoingMessage]) async -> BusError? {
        do throws(BusError) {
            try await self.bus.publish(messages, durability: .flushed)
            return nil
        } catch {
            return error
        }
    }

    /// Looks for what is overdue, and for nodes that are silent while the log is not.
    func watch(_ store: Store) async throws {
        let interval = min(self.configuration.expiryInterval, .seconds(1))
        var silence = SilenceWatch(
            patience: self.configuration.settings.nodeLostAfter,
            longestRound: interval + .seconds(2)
        )
        var untilExpiry = self.configuration.expiryInterval
        let core = self.core
        while true {
            try await Task.sleep(for: interval)
            untilExpiry -= interval
            let ends = await self.eventEnds()
            let now = self.clock()
            let verdict = silence.round(
                at: now,
                hasAnswered: ends != nil,
                isCaughtUp: ends.map { self.isCaughtUp($0) } ?? false
            )
            var silentSince: Timestamp?
            switch verdict {
            case .none: break
            case .forgive: try await store.transaction { try core.forgiveSilence(now: now, on: $0) }
            case .silentSince(let moment): silentSince = moment
            }
            if untilExpiry <= .zero || silentSince != nil {
                untilExpiry = self.configuration.expiryInterval
                let since = silentSince
                while try await store.transaction({ try core.expire(now: now, silentSince: since, on: $0) }) {}
            }
        }
    }

    /// Tells the ledger every few seconds what is true.
    func keepCapacity(_ keeper: CapacityKeeper, _ store: Store) async throws {
        let core = self.core
        while true {
            try await Task.sleep(for: .seconds(5))
            let (capacity, places) = try await store.transaction { try core.places(on: $0) }
            await keeper.refresh(capacity, places, now: self.clock())
        }
    }

    private func eventEnds() async -> [Int64]? {
        do throws(BusError) { return try await self.bus.endOffsets(of: Topics.events) } catch { return nil }
    }

    private func isCaughtUp(_ ends: [Int64]) -> Bool {
        let consumed = self.consumed.withLock { $0[Topics.events] ?? [:] }
        return consumed.allSatisfy { $0.key >= ends.count || $0.value >= ends[$0.key] }
    }
}
