import Messages
import SandboxRuntime
import ServiceKit
import Testing
import WorkerNode

@Suite struct ManySessionsTests {
    @Test(.timeLimit(.minutes(10))) func eachExecutionHasExactlyOneEndInWhateverOrder() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let fixture = try await WorkerFixture()
        // Every seventh order takes its sandbox along.
        let runtime = ProgrammedRuntime { order, sandbox in
            await Task.yield()
            if order.id.rawValue.hasSuffix("7") {
                sandbox.die()
                try await sandbox.waitForDeath()
            }
            return ExecutionReport(id: order.id, outcome: .exited(code: 0))
        }
        let specs = (0..<200).map { SessionSpec.sample("s\($0)") }
        var commands: [NodeCommand] = []
        for (index, spec) in specs.enumerated() {
            for number in 0..<5 { commands.append(.execute(spec.execution("e\(index * 5 + number)"), attempt: 1)) }
        }
        commands.shuffle(using: &random)
        let orders = commands
        try await fixture.run(fixture.worker(runtime, warmPoolSize: 2)) { dispatcher in
            try await fixture.send(specs.map { .ensureSession($0, container: nil) })
            try await fixture.send(orders)
            var ends: [ExecutionID: ExecutionStatus] = [:]
            for _ in 0..<orders.count {
                let ended = try await dispatcher.nextEnd()
                #expect(ends.updateValue(ended.outcome.status, forKey: ended.reference.execution) == nil)
            }
            #expect(ends.count == 1000)
            for (execution, status) in ends {
                #expect(status == (execution.rawValue.hasSuffix("7") ? .crashed : .completed))
            }
            // Nothing else came of them.
            try await dispatcher.send(.execute(SessionSpec.sample("none").execution("last"), attempt: 1))
            #expect(try await dispatcher.nextLoss().reference.execution == ExecutionID("last"))
            #expect(dispatcher.passedOver.allSatisfy { if case .executionEnded = $0 { false } else { true } })
        }
        #expect(runtime.live.isEmpty)
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
