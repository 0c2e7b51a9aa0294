import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

extension WorkerNode {
    /// Runs one order when its turn has come, and publishes how it ended.
    func execute(_ spec: ExecutionSpec, attempt: Int, _ context: SessionTable.Context) async {
        let key = AttemptKey(execution: spec.id, attempt: attempt)
        switch self.table.withLock({ $0.admit(key) }) {
        case .run(let sandbox):
            await self.run(spec, key, context, in: sandbox)
        case .refused(let refusal):
            await self.refuse(spec, key, refusal)
        case .wait(let turn, let wake):
            wake?.fire()
            switch await turn.answer() {
            case .run(let sandbox): await self.run(spec, key, context, in: sandbox, turn.cancellation)
            case .refused(let refusal): await self.refuse(spec, key, refusal)
            }
        }
    }

    private func run(
        _ spec: ExecutionSpec,
        _ key: AttemptKey,
        _ context: SessionTable.Context,
        in sandbox: any Sandbox,
        _ cancellation: Signal? = nil
    ) async {
        let order = self.order(spec, context)
        let startedAt = Timestamp.now()
        let result: Result<ExecutionReport, RuntimeError>
        if let cancellation {
            result = await Self.perform(order, in: sandbox, until: cancellation)
        } else {
            result = await Self.perform(order, in: sandbox)
        }
        let endedAt = Timestamp.now()
        var isSandboxLost = false
        if case .failure(let error) = result { isSandboxLost = error.code == .sandboxLost }
        let ending = self.table.withLock { $0.finished(key, isSandboxLost: isSandboxLost) }
        if let next = ending.next { next.turn.give(next.answer) }
        let outcome =
            switch result {
            case .success(let report):
                self.mapper.outcome(
                    of: report,
                    for: spec,
                    resources: context.resources,
                    isCancelled: ending.isCancelled,
                    interruption: ending.interruption
                )
            case .failure(let error):
                self.mapper.outcome(
                    of: error,
                    resources: context.resources,
                    isCancelled: ending.isCancelled,
                    interruption: ending.interruption
                )
            }
        self.metrics.ended(outcome.status, after: endedAt - startedAt)
        await self.publishEnd(
            ExecutionEnded(
                reference: ExecutionReference(execution: spec.id, session: spec.session, attempt: key.attempt),
                outcome: outcome,
                startedAt: startedAt,
                endedAt: endedAt
            ),
            key
        )
    }

    private static func perform(
        _ order: ExecutionOrder,
        in sandbox: any Sandbox
    ) async -> Result<ExecutionReport, RuntimeError> {
        do throws(RuntimeError) {
            return .success(try await sandbox.execute(order))
        } catch {
            return .failure(error)
        }
    }

    /// As above, for an order that had to wait: it starts on whatever thread, so that a cancellation may come between
    /// its turn and its start. Cancelling a task cannot be too early.
    private static func perform(
        _ order: ExecutionOrder,
        in sandbox: any Sandbox,
        until cancellation: Signal
    ) async -> Result<ExecutionReport, RuntimeError> {
        await withTaskGroup(of: Result<ExecutionReport, RuntimeError>?.self) { group in
            group.addTask { await Self.perform(order, in: sandbox) }
            group.addTask {
                // Cancelled when the order has ended, or with the order.
                do { try await cancellation.wait() } catch { return nil }
                return nil
            }
            while let result = await group.next() {
                group.cancelAll()
                if let result { return result }
            }
            return .failure(RuntimeError(.cancelled, "the order gave no report"))
        }
    }

    private func order(_ spec: ExecutionSpec, _ context: SessionTable.Context) -> ExecutionOrder {
        var environment = context.environment
        for (name, value) in spec.environment { environment.append((name: name, value: value)) }
        return ExecutionOrder(
            id: OrderID(spec.id.rawValue),
            language: SandboxShape.language(spec.language),
            code: Array(spec.code.utf8),
            event: spec.event,
            environment: environment,
            timeout: .seconds(spec.timeoutSeconds),
            stdoutLimit: self.configuration.stdoutLimit,
            stderrLimit: self.configuration.stderrLimit,
            resultLimit: self.configuration.resultLimit
        )
    }

    /// Says what became of an order that never started.
    private func refuse(_ spec: ExecutionSpec, _ key: AttemptKey, _ refusal: Refusal) async {
        let reference = ExecutionReference(execution: spec.id, session: spec.session, attempt: key.attempt)
        let now = Timestamp.now()
        let problem: Problem
        switch refusal {
        case .cancelled:
            self.metrics.ended(.cancelled, after: .zero)
            let outcome = OutcomeMapper.cancelledBeforeStart()
            await self.publishEnd(
                ExecutionEnded(reference: reference, outcome: outcome, startedAt: now, endedAt: now),
                key
            )
            return
        case .sessionEnded: problem = Problem("session_ended", "its session was ended before it started")
        case .noSandbox(let reason): problem = Problem("no_sandbox", reason)
        case .shutDown: problem = Problem("worker_shut_down", "the worker was shut down before it started")
        }
        let loss = ExecutionLost(reference: reference, neverStarted: true, problem: problem)
        self.settle(key, await self.publisher.publish(.executionLost(loss)))
    }

    private func publishEnd(_ ended: ExecutionEnded, _ key: AttemptKey) async {
        var verdict = await self.publisher.publish(.executionEnded(ended))
        if verdict == .refused {
            // Too much of something for this log: the client gets the end without what was printed.
            var bare = ended
            bare.outcome = ExecutionOutcome(
                status: .failed,
                exitCode: ended.outcome.exitCode,
                errorMessage: "the outcome could not be stored: its output or return value is too large",
                metrics: ended.outcome.metrics
            )
            verdict = await self.publisher.publish(.executionEnded(bare))
        }
        self.settle(key, verdict)
    }

    private func settle(_ key: AttemptKey, _ verdict: EventPublisher.Verdict) {
        let settled = self.table.withLock { table in
            verdict == .published ? table.published(key) : table.abandoned(key)
        }
        settled?.fire()
        if verdict != .published {
            // The next start of the worker answers for it when it is asked.
            self.logger.error(
                "The end of an execution is not on the log",
                metadata: [LogKey.execution: key.execution.rawValue]
            )
        }
    }

    /// Ends an attempt, or each one of the execution that is here.
    func cancel(_ reference: ExecutionReference) async {
        for action in self.table.withLock({ $0.cancel(reference) }) {
            switch action {
            case .none: break
            case .unknown:
                if let loss = self.loss(of: reference) { await self.publisher.publish(loss) }
            case .give(let grant): grant.turn.give(grant.answer)
            case .cancel(let sandbox, let key, let turn):
                if let turn {
                    turn.cancellation.fire()
                } else {
                    await sandbox.cancel(OrderID(key.execution.rawValue))
                }
            }
        }
    }
}
