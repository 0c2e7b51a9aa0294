internal import MessageBus
internal import Messages
internal import SQLite

/// Runs what the core decides in transactions of its file, and hands what follows to the outbox in the same order.
struct Store: Sendable {
    let writer: SerialWriter
    let core: DispatcherCore
    let outlet: CollectingOutlet
    let outbox: Outbox
    /// Where room on nodes is shared with other dispatchers.
    let keeper: CapacityKeeper?
    let clock: @Sendable () -> Timestamp
    private let line = Line()

    init(
        writer: SerialWriter,
        core: DispatcherCore,
        outlet: CollectingOutlet,
        outbox: Outbox,
        keeper: CapacityKeeper?,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.writer = writer
        self.core = core
        self.outlet = outlet
        self.outbox = outbox
        self.keeper = keeper
        self.clock = clock
    }

    /// What one transaction has decided.
    private struct Decided<T: Sendable>: Sendable {
        var value: T
        var messages: [OutgoingMessage]
        var moves: DispatcherCore.Moves
    }

    /// - Throws: What `body` throws, or ``SQLiteError``; a full disk is waited for.
    func transaction<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        guard let keeper = self.keeper else {
            let decided = try await self.decide(body)
            self.outbox.add(decided.messages)
            return decided.value
        }
        let (value, left) = try await self.line.run {
            let decided = try await self.decide(body)
            let (messages, left) = try await self.reserve(decided.messages, decided.moves, keeper)
            self.outbox.add(messages)
            return (decided.value, left)
        }
        if !left.isEmpty { await keeper.release(left, now: self.clock()) }
        return value
    }

    /// Reserves room before a node is told to have a session; where there is none another node is looked for.
    private func reserve(
        _ decided: [OutgoingMessage],
        _ moves: DispatcherCore.Moves,
        _ keeper: CapacityKeeper
    ) async throws -> (messages: [OutgoingMessage], left: [CapacityKeeper.Place]) {
        var (messages, taken, left) = (decided, moves.taken, moves.left)
        while !taken.isEmpty {
            let refused = await keeper.refused(taken, now: self.clock())
            if refused.isEmpty { break }
            let unsent = Set(refused.map { "\(Topics.node($0.node)) \($0.session)" })
            messages.removeAll { unsent.contains("\($0.topic) \($0.key)") }
            let (core, now) = (self.core, self.clock())
            let again = try await self.decide { try core.refuse(refused, now: now, on: $0) }
            messages += again.messages
            left += again.moves.left
            taken = again.moves.taken
        }
        return (messages, left)
    }

    private func decide<T: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> T
    ) async throws -> Decided<T> {
        while true {
            let outcome: Result<Decided<T>, any Error> = await withCheckedContinuation { caller in
                self.enqueue(body) { caller.resume(returning: $0) }
            }
            switch outcome {
            case .success(let decided): return decided
            case .failure(let error):
                guard let storage = error as? SQLiteError, storage.isRetriable else { throw error }
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func enqueue<T: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> T,
        _ completion: @escaping @Sendable (Result<Decided<T>, any Error>) -> Void
    ) {
        let (outlet, core) = (self.outlet, self.core)
        self.writer.enqueue(
            durability: .relaxed,
            { connection in
                let value = try body(connection)
                return Decided(value: value, messages: outlet.take(), moves: core.takeMoves())
            },
            completion: completion
        )
    }
}
