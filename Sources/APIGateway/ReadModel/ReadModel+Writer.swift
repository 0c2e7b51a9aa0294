import Messages
import ServiceKit
import StateStore

extension ReadModel {
    /// How long the writer waits for company: three records of an execution are then usually one row.
    private static let linger: Duration = .milliseconds(5)
    /// Between attempts while the disk refuses.
    private static let retryDelay: Duration = .milliseconds(500)

    private enum Work {
        case write(ReadModelState.Batch, [CheckedContinuation<Void, any Error>])
        case end
    }

    /// Opens the database on the thread that will write, and restores what it holds.
    ///
    /// - Parameters:
    ///   - ends: The ends of the followed topic's partitions.
    ///   - oldest: The file must have been written to since, or it is built anew.
    /// - Returns: The next offset to follow, by partition.
    func open(ends: [Int64], oldest: Timestamp) async throws -> [Int: Int64] {
        try await withCheckedThrowingContinuation { opened in
            do {
                try DedicatedThread.start(name: "read-model") { self.runWriter(opened, ends: ends, oldest: oldest) }
            } catch {
                opened.resume(throwing: error)
            }
        }
    }

    /// Returns once the database holds everything that was seen before the call.
    ///
    /// - Throws: ``SQLiteError`` if it cannot be written, or is closed.
    func waitUntilWritten() async throws {
        try await withCheckedThrowingContinuation { (written: CheckedContinuation<Void, any Error>) in
            let isOpen = self.state.withLock { state in
                guard !state.isClosed else { return false }
                state.barriers.append(written)
                return true
            }
            if isOpen {
                self.state.signal()
            } else {
                written.resume(throwing: APIError.unavailable("the gateway is stopping"))
            }
        }
    }

    /// Writes what is queued, and ends the thread.
    func close() async {
        await withCheckedContinuation { ended in
            let hasEnded = self.state.withLock { state in
                state.isClosed = true
                if !state.hasEnded { state.ended.append(ended) }
                return state.hasEnded
            }
            if hasEnded { ended.resume() } else { self.state.signal() }
        }
        await self.closeReaders()
    }

    // MARK: On the writer's thread

    private func runWriter(
        _ opened: CheckedContinuation<[Int: Int64], any Error>,
        ends: [Int64],
        oldest: Timestamp
    ) {
        do {
            let store = try ReadModelStore(path: self.path, ends: ends, oldest: oldest)
            if let reason = store.rebuildReason {
                self.logger.notice("The read model is built anew", metadata: [LogKey.reason: reason])
            }
            let (offsets, claims, open) = (try store.offsets(), try store.claims(), try store.openExecutions())
            self.state.withLock { state in
                state.model.restore(offsets: offsets, claims: claims, open: open)
                state.hasEnded = false
            }
            opened.resume(returning: offsets)
            while case .write(let batch, let barriers) = self.nextWork() { self.write(batch, barriers, to: store) }
        } catch {
            opened.resume(throwing: error)
        }
        let waiting = self.state.withLock { state in
            state.hasEnded = true
            defer { state.ended = [] }
            return state.ended
        }
        for waiter in waiting { waiter.resume() }
    }

    private func nextWork() -> Work {
        self.state.wait { state in
            let isDue = state.model.hasUnwritten || state.isClosed || !state.barriers.isEmpty
            state.isWriterIdle = !isDue
            return isDue ? () : nil
        }
        _ = self.state.wait(for: Self.linger) { state in
            state.isClosed || !state.barriers.isEmpty || state.model.cache.queued >= Self.largeBatch ? () : nil
        }
        return self.state.withLock { state in
            guard state.model.hasUnwritten || !state.barriers.isEmpty else { return .end }
            defer { state.barriers = [] }
            return .write(state.model.takeBatch(), state.barriers)
        }
    }

    private func write(
        _ batch: ReadModelState.Batch,
        _ barriers: [CheckedContinuation<Void, any Error>],
        to store: ReadModelStore
    ) {
        do {
            try store.apply(batch.changes, offsets: batch.offsets, claims: batch.claims, now: .now())
            self.state.withLock { state in
                state.model.didWrite(batch)
                state.isFailing = false
            }
            for barrier in barriers { barrier.resume() }
        } catch {
            let (isNew, isClosed) = self.state.withLock { state in
                state.model.didFailToWrite(batch)
                defer { state.isFailing = true }
                return (!state.isFailing, state.isClosed)
            }
            if isNew { self.logger.error("The read model cannot be written", metadata: [LogKey.error: "\(error)"]) }
            for barrier in barriers { barrier.resume(throwing: error) }
            // What is not written is followed again at the next start: closing does not wait for a full disk.
            if isClosed { self.state.withLock { $0.model.abandonUnwritten() } }
            _ = self.state.wait(for: Self.retryDelay) { $0.isClosed ? () : nil }
        }
    }
}
