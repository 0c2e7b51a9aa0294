import Glibc
import Synchronization
import Testing

@testable import ServiceKit

/// Notes when it starts and stops; does what its script says in between.
private struct ScriptedService: Service {
    enum Script: Sendable {
        case untilAsked
        case fails
        case returnsAtOnce
        case ignoresShutdown
    }

    let name: String
    let script: Script
    let notes: Locked<[String]>
    var started = Signal()

    struct Failure: Error, Equatable {}

    func run() async throws {
        self.notes.withLock { $0.append("start \(self.name)") }
        self.started.fire()
        defer { self.notes.withLock { $0.append("stop \(self.name)") } }
        switch self.script {
        case .untilAsked: try await gracefulShutdown()
        case .fails: throw Failure()
        case .returnsAtOnce: return
        case .ignoresShutdown: try await Signal().wait()
        }
    }
}

@Suite struct ServiceGroupTests {
    private let notes = Locked([String]())

    private func service(_ name: String, _ script: ScriptedService.Script = .untilAsked) -> ScriptedService {
        ScriptedService(name: name, script: script, notes: self.notes)
    }

    private var stops: [String] { self.notes.withLock { $0 }.filter { $0.hasPrefix("stop") } }

    @Test(.timeLimit(.minutes(10))) func stopsTheLastFirst() async throws {
        let services = ["store", "bus", "http"].map { self.service($0) }
        let group = ServiceGroup(services, signals: [], logger: .disabled)
        async let ended: Void = group.run()
        for service in services { try await service.started.wait() }
        group.shutDown()
        try await ended
        #expect(self.stops == ["stop http", "stop bus", "stop store"])
    }

    @Test(.timeLimit(.minutes(10))) func aFailureStopsTheOthersAndIsThrown() async throws {
        let group = ServiceGroup(
            [self.service("store"), self.service("bad", .fails), self.service("http")],
            signals: [],
            logger: .disabled
        )
        await #expect(throws: ScriptedService.Failure()) { try await group.run() }
        #expect(Set(self.stops) == ["stop bad", "stop http", "stop store"])
    }

    @Test(.timeLimit(.minutes(10))) func aServiceThatReturnsUnaskedEndsTheGroupWithAnError() async throws {
        let group = ServiceGroup(
            [self.service("store"), self.service("short", .returnsAtOnce)],
            signals: [],
            logger: .disabled
        )
        let error = await #expect(throws: ServiceGroupError.self) { try await group.run() }
        #expect(error?.code == .endedUnasked)
        #expect(self.stops.last == "stop store")
    }

    @Test(.timeLimit(.minutes(10))) func cancelsWhatDoesNotDrainInTime() async throws {
        let stubborn = self.service("stubborn", .ignoresShutdown)
        let group = ServiceGroup([stubborn], drainTimeout: .milliseconds(1), signals: [], logger: .disabled)
        async let ended: Void = group.run()
        try await stubborn.started.wait()
        group.shutDown()
        try await ended
        #expect(self.stops == ["stop stubborn"])
    }

    @Test(.timeLimit(.minutes(10))) func cancellationOfItsTaskEndsItAsCancelled() async throws {
        let stubborn = self.service("stubborn", .ignoresShutdown)
        let group = ServiceGroup([self.service("store"), stubborn], signals: [], logger: .disabled)
        let task = Task { try await group.run() }
        try await stubborn.started.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test(.timeLimit(.minutes(10))) func anInnerGroupIsAskedByTheOuterOne() async throws {
        let inner = self.service("inner")
        let outer = ServiceGroup(
            [self.service("store"), ServiceGroup([inner], signals: [], logger: .disabled)],
            signals: [],
            logger: .disabled
        )
        async let ended: Void = outer.run()
        try await inner.started.wait()
        outer.shutDown()
        try await ended
        #expect(self.stops == ["stop inner", "stop store"])
    }

    @Test(.timeLimit(.minutes(10))) func aRequestBeforeTheRunStopsItAtOnce() async throws {
        let group = ServiceGroup([self.service("store")], signals: [], logger: .disabled)
        group.shutDown()
        try await group.run()
        #expect(self.stops == ["stop store"])
    }

    @Test(.timeLimit(.minutes(10))) func aSignalStopsTheGroup() async throws {
        let service = self.service("store")
        // One that nothing else in this process listens to.
        let group = ServiceGroup([service], signals: [SIGUSR2], logger: .disabled)
        async let ended: Void = group.run()
        try await service.started.wait()
        kill(getpid(), SIGUSR2)
        try await ended
        #expect(self.stops == ["stop store"])
    }

    @Test(.timeLimit(.minutes(10))) func startsAndStopsFiveHundredTimes() async throws {
        for _ in 0..<500 {
            let group = ServiceGroup([self.service("a"), self.service("b")], signals: [], logger: .disabled)
            async let ended: Void = group.run()
            group.shutDown()
            try await ended
        }
        #expect(self.stops.count == 1000)
    }
}
