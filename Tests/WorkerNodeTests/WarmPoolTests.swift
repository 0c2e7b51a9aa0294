import Foundation
import Messages
import SandboxRuntime
import ServiceKit
import Testing

@testable import WorkerNode

@Suite struct WarmPoolTests {
    /// Suspends until the pool holds `count` sandboxes. Each change of it is a start or an end in the runtime.
    private func waitUntilReady(_ worker: WorkerNode, _ count: Int) async throws {
        try await until { worker.pool.readyCounts.values.reduce(0, +) == count }
    }

    @Test(.timeLimit(.minutes(10))) func aSessionClaimsAReadySandboxWhichIsReplaced() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        let worker = try fixture.worker(runtime, warmPoolSize: 2)
        try await fixture.run(worker) { dispatcher in
            try await self.waitUntilReady(worker, 2)
            let pooled = Set(runtime.specs.map(\.id.rawValue))
            let spec = SessionSpec.sample(memoryBytes: 256 << 20)
            let container = try #require(try await dispatcher.ready(spec).container)
            #expect(pooled.contains(container.rawValue))
            #expect(runtime.live[container.rawValue]?.limits?.memoryBytes == 256 << 20)
            #expect(!FileManager.default.fileExists(atPath: "\(fixture.sandboxes)/\(container)/.pooled"))
            try await self.waitUntilReady(worker, 2)
            #expect(runtime.specs.count == 3)
            try await dispatcher.send(.execute(spec.execution(), attempt: 1))
            #expect(try await dispatcher.nextEnd().outcome.status == .completed)
            let status = await worker.status()
            #expect(status.pools == [NodeStatus.Pool(image: "known", ready: 2, target: 2)])
            #expect(status.sessions == 1 && status.isDispatcherHeard)
        }
        // The session's folder stays, the pool's go.
        #expect(try fixture.folders().count == 1)
        #expect(runtime.live.isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func aMissStartsCold() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        let worker = try fixture.worker(runtime, warmPoolSize: 1)
        try await fixture.run(worker) { dispatcher in
            try await self.waitUntilReady(worker, 1)
            var spec = SessionSpec.sample()
            spec.runtime = .nodejs20
            _ = try await dispatcher.ready(spec)
            #expect(worker.pool.readyCounts.values.reduce(0, +) == 1)
            #expect(runtime.specs.last?.warmLanguages == [.javascript])
        }
    }

    @Test(.timeLimit(.minutes(10))) func aReadySandboxThatDiesIsNotHandedOut() async throws {
        let fixture = try await WorkerFixture()
        let runtime = ProgrammedRuntime()
        let worker = try fixture.worker(runtime, warmPoolSize: 1)
        try await fixture.run(worker) { dispatcher in
            try await self.waitUntilReady(worker, 1)
            let dead = try #require(runtime.live.values.first)
            dead.die()
            try await self.waitUntilReady(worker, 0)
            let ready = try await dispatcher.ready(.sample())
            #expect(ready.container?.rawValue != dead.id.rawValue)
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatAFormerPoolLeftGoesAtBoot() async throws {
        let fixture = try await WorkerFixture()
        let files = FileManager.default
        for name in ["sbx-pool", "sbx-session", ".removing-sbx-old"] {
            try files.createDirectory(
                atPath: "\(fixture.sandboxes)/\(name)/workspace",
                withIntermediateDirectories: true
            )
        }
        try Data().write(to: URL(filePath: "\(fixture.sandboxes)/sbx-pool/.pooled"))
        try await fixture.run(fixture.worker(ProgrammedRuntime(), reaperGrace: .zero)) { dispatcher in
            _ = try await dispatcher.nextReport()
            try await until { try fixture.folders() == ["sbx-session"] }
            // Now a dispatcher is heard, and has no use for the other.
            try await dispatcher.send(.report, .report)
            try await until { try fixture.folders().isEmpty }
        }
    }
}
