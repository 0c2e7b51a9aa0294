import MessageBus
import Messages

/// Puts commands on the log, and waits for what the dispatcher decides.
final class CommandPublisher: Sendable {
    private let bus: any MessageBus
    private let decisions: WaiterTable<CommandID, Decision>
    /// How long a decision may take.
    private let patience: Duration
    private let health: DispatcherHealth

    init(
        bus: any MessageBus,
        decisions: WaiterTable<CommandID, Decision>,
        patience: Duration,
        health: DispatcherHealth
    ) {
        self.bus = bus
        self.decisions = decisions
        self.patience = patience
        self.health = health
    }

    /// Returns once the command would survive a power cut. Nobody answers it.
    ///
    /// - Parameter partition: `nil`: by the key.
    /// - Throws: ``BusError``.
    func submit(_ command: Command, key: String, partition: Int? = nil) async throws(BusError) {
        let envelope = Envelope(at: .now(), command)
        try await self.bus.publish(
            [OutgoingMessage(topic: Topics.commands, key: key, partition: partition, body: envelope.encoded())],
            durability: .flushed
        )
    }

    /// Returns once the dispatcher has carried the command out, and this gateway has seen what changed.
    ///
    /// - Parameter partition: `nil`: by the command's key.
    /// - Throws: ``APIError``: the refusal, or 503 if nobody decides in time. The command stays on the log then.
    @discardableResult
    func perform(_ command: Command, partition: Int? = nil) async throws(APIError) -> Decision {
        let envelope = Envelope(at: .now(), command)
        let waiter = self.decisions.register(envelope.id, timeout: self.patience)
        defer { waiter.withdraw() }
        do {
            try await self.bus.publish(
                [
                    OutgoingMessage(
                        topic: Topics.commands,
                        key: command.key ?? envelope.id.rawValue,
                        partition: partition,
                        body: envelope.encoded()
                    )
                ],
                durability: .flushed
            )
        } catch {
            throw APIError(error)
        }
        switch await waiter.value() {
        case .value(let decision):
            self.health.answered()
            if let problem = decision.problem { throw APIError(problem) }
            return decision
        case .timedOut:
            self.health.missed()
            throw .unavailable("the dispatcher does not answer", code: "dispatcher_unavailable")
        case .cancelled: throw .unavailable("the request was given up")
        }
    }

    /// Returns once the dispatcher has decided on everything that came before, in every partition.
    ///
    /// Asks each for what does not exist: the refusal is the answer.
    /// - Throws: ``APIError`` if one does not answer in time.
    func probe(partitions: Int) async throws(APIError) {
        try await self.forEachPartition(partitions) { (publisher, partition) async throws(APIError) in
            let nothing = ExecutionReference(execution: ExecutionID(""), session: SessionID(""))
            do throws(APIError) {
                try await publisher.perform(.cancel(nothing), partition: partition)
            } catch {
                if error.code != "execution_not_found" { throw error }
            }
        }
    }

    /// Has every partition reconciled, and returns what was found in all of them.
    ///
    /// - Throws: ``APIError`` if one does not answer in time.
    func reconcile(partitions: Int) async throws(APIError) -> [String: Int] {
        let sums = FindingSums()
        try await self.forEachPartition(partitions) { (publisher, partition) async throws(APIError) in
            let decision = try await publisher.perform(.reconcile, partition: partition)
            sums.add(decision.findings)
        }
        return sums.value
    }

    private func forEachPartition(
        _ partitions: Int,
        _ body: @escaping @Sendable (CommandPublisher, Int) async throws(APIError) -> Void
    ) async throws(APIError) {
        let failure = await withTaskGroup(of: APIError?.self) { group in
            for partition in 0..<partitions {
                group.addTask {
                    do throws(APIError) {
                        try await body(self, partition)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        if let failure { throw failure }
    }
}
