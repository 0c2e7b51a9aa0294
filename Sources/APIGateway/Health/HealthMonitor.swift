import Messages
import ServiceKit

/// Asks the probes, and remembers for a second what they said.
final class HealthMonitor: Sendable {
    /// What all probes said.
    struct Report: Sendable {
        var status: HealthStatus
        var answers: [(name: String, answer: HealthProbe.Answer)]
    }

    static let version = "2.1.0"
    private static let freshness: Duration = .seconds(1)
    private let started = ContinuousClock.now
    private let probes: [HealthProbe]
    private let patience: Duration
    private let latest = Locked<(status: HealthStatus, at: ContinuousClock.Instant)?>(nil)

    /// - Parameter patience: How long a probe may take to answer. Defaults to 5 s.
    init(probes: [HealthProbe], patience: Duration = .seconds(5)) {
        self.probes = probes
        self.patience = patience
    }

    /// Seconds since the gateway was made.
    var uptime: Double { (ContinuousClock.now - self.started) / .seconds(1) }

    /// What the cheap probes said within the last second; `nil` if they were not asked.
    var fresh: HealthStatus? {
        self.latest.withLock { latest in
            latest.flatMap { .now - $0.at < Self.freshness ? $0.status : nil }
        }
    }

    /// Asks the cheap probes, unless they have just been asked.
    func status() async -> HealthStatus {
        if let fresh = self.fresh { return fresh }
        let status = await self.ask(self.probes.filter(\.isCheap)).status
        self.latest.withLock { $0 = (status, .now) }
        return status
    }

    /// Asks every probe.
    func report() async -> Report { await self.ask(self.probes) }

    private func ask(_ probes: [HealthProbe]) async -> Report {
        let answers = await withTaskGroup(of: (Int, HealthProbe.Answer).self) { group in
            for (index, probe) in probes.enumerated() { group.addTask { (index, await self.ask(probe)) } }
            var answers = [HealthProbe.Answer?](repeating: nil, count: probes.count)
            for await (index, answer) in group { answers[index] = answer }
            return answers.map { $0 ?? HealthProbe.Answer(.unhealthy) }
        }
        return Report(
            status: answers.map(\.status).max() ?? .healthy,
            answers: zip(probes, answers).map { (name: $0.name, answer: $1) }
        )
    }

    /// A probe that does not come back is left alone: the answer does not wait for it.
    private func ask(_ probe: HealthProbe) async -> HealthProbe.Answer {
        let waiters = WaiterTable<Int, HealthProbe.Answer>()
        let waiter = waiters.register(0, timeout: self.patience)
        defer { waiter.withdraw() }
        // Not a child: a task group would wait for a probe that hangs.
        let task = Task { waiters.resume(0, with: await probe.check()) }
        defer { task.cancel() }
        guard case .value(let answer) = await waiter.value() else {
            return HealthProbe.Answer(.unhealthy, detail: ["problem": "no answer in time"])
        }
        return answer
    }
}
