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
    }

    /// The steps of one batch of records.
    struct Batch: Sendable {
        var steps: [Step] = []
        /// Known before the acknowledgement and published before it: should we crash in between, they come again.
        var losses: [Event] = []
        var deadLetters: [OutgoingMessage] = []
        var startsCode = false
    }

    static let batchSize = 256

    /// Takes commands until the subscription is stopped.
    ///
    /// What they begin are children of `tasks`.
    func takeCommands(
        from subscription: any MessageSubscription,
        _ tasks: inout DiscardingTaskGroup
    ) async throws {
        while true {
            let deliveries = try await subscription.next(upTo: Self.batchSize)
            if deliveries.isEmpty { return }
            if deliveries.contains(where: { $0.timestamp >= self.bootedAt.microseconds / 1000 }) { self.noteHeard() }
            let batch = self.plan(deliveries)
            do {
                try await self.settle(deliveries, batch, of: subscription)
            } catch {
                self.abandon(batch)
                // At shutdown nothing is wrong: the commands come again at the next start.
                if (error as? WorkerNodeError)?.code == .shutDown { return }
                throw error
            }
            for step in batch.steps { self.begin(step, &tasks) }
        }
    }

    /// Begins a step as a child of `tasks`. Up to its first suspension it runs here: steps begin in order, and an order is
    /// with the agent without another hop.
    private func begin(_ step: Step, _ tasks: inout DiscardingTaskGroup) {
        switch step {
        case .execute(let spec, let attempt, let context):
            tasks.addImmediateTask { await self.execute(spec, attempt: attempt, context) }
        case .supervise(let spec, let container):
            tasks.addImmediateTask { await self.supervise(spec, container: container) }
        case .publish(let event, let durability):
            tasks.addImmediateTask { await self.publisher.publish(event, durability: durability) }
        case .end(let reference):
            tasks.addImmediateTask { await self.end(reference) }
        case .cancel(let reference):
            tasks.addImmediateTask { await self.cancel(reference) }
        case .report:
            tasks.addTask { await self.reportAndReap() }
        }
    }

    /// Decides about every record of a batch, in order.
    func plan(_ deliveries: [Delivery]) -> Batch {
        var batch = Batch()
        for delivery in deliveries {
            do throws(MessageError) {
                guard let body = delivery.body else { throw MessageError(.malformed, "the record has no body") }
                self.plan(try Envelope<NodeCommand>(decoding: body).payload, &batch)
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

    private func plan(_ command: NodeCommand, _ batch: inout Batch) {
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
            switch self.table.withLock({ $0.register(spec, attempt: attempt) }) {
            case .accept(let context):
                batch.startsCode = true
                batch.steps.append(.execute(spec, attempt: attempt, context))
            case .ignore: break
            case .unknownSession:
                let reference = ExecutionReference(execution: spec.id, session: spec.session, attempt: attempt)
                let problem = Problem("session_not_on_node", "its session is not on the worker node")
                batch.losses.append(
                    .executionLost(ExecutionLost(reference: reference, neverStarted: true, problem: problem))
                )
            }
        case .resolve(let reference):
            if let loss = self.loss(of: reference) { batch.losses.append(loss) }
        case .cancel(let reference): batch.steps.append(.cancel(reference))
        case .endSession(let reference): batch.steps.append(.end(reference))
        case .report: batch.steps.append(.report)
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
        of subscription: any MessageSubscription
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
        let durability: Durability = batch.startsCode ? .flushed : .relaxed
        while let error = await self.refusal(of: deliveries, subscription, durability) {
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
        _ subscription: any MessageSubscription,
        _ durability: Durability
    ) async -> BusError? {
        do throws(BusError) {
            try await subscription.acknowledge(deliveries, durability: durability)
            return nil
        } catch {
            return error
        }
    }
}
