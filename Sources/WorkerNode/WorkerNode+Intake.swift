import MessageBus
import Messages
import ServiceKit

extension WorkerNode {
    /// What is left to do for a command once its record is acknowledged.
    enum Step: Sendable {
        case supervise(SessionSpec, container: ContainerID?)
        case execute(ExecutionSpec, attempt: Int, SessionTable.Context)
        case publish(Event, Durability)
        case end(SessionReference)
        case cancel(ExecutionReference)
        case report
        case drain(Bool)
    }

    /// The steps of one batch of records.
    struct Batch: Sendable {
        var steps: [Step] = []
        /// Known before the acknowledgement and published before it: should we crash in between, they come again.
        var losses: [Event] = []
        var deadLetters: [OutgoingMessage] = []
        /// The attempts whose code starts by the batch.
        var starting: [AttemptKey] = []
        /// Those of which a loss is told. A new owner of the partition may not have heard of it when it sends one of them
        /// again: it must not start then, for another attempt follows the loss.
        var lost: [AttemptKey] = []
    }

    static let batchSize = 256

    /// Takes commands until the subscription is stopped.
    ///
    /// What they begin are children of `tasks`.
    func takeCommands(
        from intake: any CommandIntake,
        _ tasks: inout DiscardingTaskGroup
    ) async throws {
        while true {
            let deliveries = try await intake.next(upTo: Self.batchSize)
            if deliveries.isEmpty { return }
            if deliveries.contains(where: { $0.timestamp >= self.bootedAt.microseconds / 1000 }) { self.noteHeard() }
            let batch = self.plan(deliveries, intake)
            do {
                try await self.settle(deliveries, batch, of: intake)
            } catch {
                self.abandon(batch)
                // At shutdown nothing is wrong: the commands come again at the next start.
                if (error as? WorkerNodeError)?.code == .shutDown { return }
                throw error
            }
            for step in batch.steps { self.begin(step, intake, &tasks) }
        }
    }

    /// Begins a step as a child of `tasks`. Up to its first suspension it runs here: steps begin in order, and an order is
    /// with the agent without another hop.
    private func begin(_ step: Step, _ intake: any CommandIntake, _ tasks: inout DiscardingTaskGroup) {
        switch step {
        case .execute(let spec, let attempt, let context):
            tasks.addImmediateTask { await self.execute(spec, attempt: attempt, context) }
        case .supervise(let spec, let container):
            if let leases = self.leases { tasks.addTask { await leases.take(spec.id, spec.incarnation) } }
            tasks.addImmediateTask { await self.supervise(spec, container: container) }
        case .publish(let event, let durability):
            tasks.addImmediateTask { await self.publisher.publish(event, durability: durability) }
        case .end(let reference):
            tasks.addImmediateTask { await self.end(reference) }
        case .cancel(let reference):
            tasks.addImmediateTask { await self.cancel(reference) }
        case .report:
            tasks.addTask { await self.reportAndReap() }
        case .drain(let isDraining):
            tasks.addTask { await self.drain(isDraining, intake) }
        }
    }

    /// Decides about every record of a batch, in order.
    func plan(_ deliveries: [Delivery], _ intake: any CommandIntake) -> Batch {
        var batch = Batch()
        for delivery in deliveries {
            do throws(MessageError) {
                guard let body = delivery.body else { throw MessageError(.malformed, "the record has no body") }
                let record = try Envelope<NodeCommand>(decoding: body)
                guard self.fence.withLock({ $0.admits(record.origin) }) else {
                    self.metrics.fenced.increment()
                    continue
                }
                self.plan(record.payload, intake, &batch)
            } catch {
                self.logger.error(
                    "A command cannot be read",
                    metadata: [
                        LogKey.topic: delivery.topic, LogKey.offset: "\(delivery.offset)", LogKey.error: "\(error)",
                    ]
                )
                batch.deadLetters.append(Self.deadLetter(delivery, reason: error.message))
            }
        }
        return batch
    }

    private static func deadLetter(_ delivery: Delivery, reason: String) -> OutgoingMessage {
        let letter = DeadLetter(
            topic: delivery.topic,
            partition: delivery.partition,
            offset: Int(delivery.offset),
            reason: reason,
            body: delivery.body ?? []
        )
        return OutgoingMessage(topic: Topics.deadLetter, key: delivery.key, body: letter.encoded())
    }

    private func plan(_ command: NodeCommand, _ intake: any CommandIntake, _ batch: inout Batch) {
        switch command {
        case .ensureSession(let spec, let container):
            switch self.table.withLock({ $0.ensure(spec, container: container) }) {
            case .supervise: batch.steps.append(.supervise(spec, container: container))
            case .none: break
            case .announce(let reference):
                batch.steps.append(.publish(.sessionReady(reference, node: self.configuration.nodeID), .relaxed))
            case .refuse(let reference, let problem):
                batch.steps.append(.publish(.sessionFailed(reference, problem), .flushed))
            }
        case .execute(let spec, let attempt):
            let key = AttemptKey(execution: spec.id, attempt: attempt)
            let reference = ExecutionReference(execution: spec.id, session: spec.session, attempt: attempt)
            // Said again by a new owner of its partition, who cannot know: what it started is gone.
            if batch.lost.contains(key) { return }
            if intake.isSpent(key) {
                if let loss = self.loss(of: reference) { batch.losses.append(loss) }
                return
            }
            switch self.table.withLock({ $0.register(spec, attempt: attempt) }) {
            case .accept(let context):
                batch.starting.append(key)
                batch.steps.append(.execute(spec, attempt: attempt, context))
            case .ignore: break
            case .unknownSession:
                let problem = Problem("session_not_on_node", "its session is not on the worker node")
                batch.losses.append(
                    .executionLost(ExecutionLost(reference: reference, neverStarted: true, problem: problem))
                )
                batch.lost.append(key)
            }
        case .resolve(let reference):
            guard let loss = self.loss(of: reference) else { return }
            batch.losses.append(loss)
            batch.lost.append(AttemptKey(execution: reference.execution, attempt: reference.attempt))
        case .cancel(let reference): batch.steps.append(.cancel(reference))
        case .endSession(let reference): batch.steps.append(.end(reference))
        case .report: batch.steps.append(.report)
        case .drain(let isDraining): batch.steps.append(.drain(isDraining))
        }
    }

    /// The answer to a question about an attempt of which nothing is known here.
    func loss(of reference: ExecutionReference) -> Event? {
        guard !self.table.withLock({ $0.knows(reference) }) else { return nil }
        let problem = Problem("worker_lost", "the worker that ran it stopped before it ended")
        return .executionLost(ExecutionLost(reference: reference, neverStarted: false, problem: problem))
    }

    /// Publishes what is known already, then acknowledges the batch: durably if code starts by it, so that none runs
    /// before.
    ///
    /// While the log refuses it tries again; nothing else can be done meanwhile.
    /// - Throws: When the bus is closed, the task is cancelled or the node shuts down. Nothing of the batch has started.
    private func settle(
        _ deliveries: [Delivery],
        _ batch: Batch,
        of intake: any CommandIntake
    ) async throws {
        if !batch.losses.isEmpty {
            let verdict = await self.publisher.publish(batch.losses, durability: .flushed)
            guard verdict == .published else { throw WorkerNodeError(.shutDown, "the log did not take the answers") }
        }
        if !batch.deadLetters.isEmpty {
            let verdict = await self.publisher.send(batch.deadLetters, durability: .flushed)
            // What even that topic does not take is in the log of the process.
            guard verdict != .gaveUp else { throw WorkerNodeError(.shutDown, "the log did not take dead letters") }
        }
        var pause = EventPublisher.firstPause
        let durability: Durability = batch.starting.isEmpty ? .relaxed : .flushed
        while let error = await self.refusal(of: deliveries, batch.starting + batch.lost, intake, durability) {
            guard error.isRetriable else { throw error }
            self.logger.error("The log refuses acknowledgements", metadata: [LogKey.error: "\(error)"])
            self.metrics.publishRetries.increment()
            guard !self.table.withLock({ $0.isShutDown }) else {
                throw WorkerNodeError(.shutDown, "the log did not take the acknowledgement", cause: error)
            }
            try await Task.sleep(for: pause)
            pause = min(EventPublisher.longestPause, pause * 2)
        }
    }

    /// Forgets the orders of a batch that is not begun.
    private func abandon(_ batch: Batch) {
        for case .execute(let spec, let attempt, _) in batch.steps {
            let key = AttemptKey(execution: spec.id, attempt: attempt)
            self.table.withLock { $0.abandoned(key) }?.fire()
        }
    }

    /// Why the deliveries could not be settled; `nil` if they are.
    private func refusal(
        of deliveries: [Delivery],
        _ spent: [AttemptKey],
        _ intake: any CommandIntake,
        _ durability: Durability
    ) async -> BusError? {
        do throws(BusError) {
            try await intake.settle(deliveries, spent: spent, durability: durability)
            return nil
        } catch {
            return error
        }
    }
}
