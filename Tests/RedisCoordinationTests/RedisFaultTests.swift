import Coordination
import ServiceKit
import TestServers
import Testing

@testable import RedisCoordination

@Suite(.enabled(if: RealRedis.isInstalled, "redis-server is not installed"), .timeLimit(.minutes(10)))
struct RedisFaultTests {
    private let long: Duration = .seconds(600)

    /// Asks until an answer comes: nobody reports that the connection is there again.
    private func recovers(_ coordination: RedisCoordination) async throws {
        while true {
            do throws(CoordinationError) {
                return try await coordination.ping()
            } catch {
                try #require(error.isRetriable, "\(error)")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Asks until the loss is noticed, and returns how that showed.
    private func failure(of coordination: RedisCoordination) async throws -> CoordinationError {
        while true {
            do throws(CoordinationError) {
                try await coordination.ping()
            } catch {
                return error
            }
        }
    }

    @Test(arguments: [false, true])
    func callsRecoverAfterAKill(listensOnTCP: Bool) async throws {
        try await RealRedis.with(listensOnTCP: listensOnTCP) { server in
            let coordination = try await server.open()
            let lock = try #require(try await coordination.locks.acquire("s", owner: "a", lease: self.long))
            try await server.kill()
            #expect(try await self.failure(of: coordination).code == .unavailable)
            // Nothing waits for a server that is not there: a call that did would end as timed out.
            let error = await #expect(throws: CoordinationError.self) { try await coordination.ping() }
            #expect(error?.code == .unavailable)
            try await server.restart()
            try await self.recovers(coordination)
            // Empty, and without our scripts: the lock is established again, and new epochs are higher.
            #expect(try await coordination.locks.renew([lock], lease: self.long) == [.held])
            #expect(try await coordination.locks.acquire("s", owner: "b", lease: self.long) == nil)
            let taken = try await coordination.locks.acquire("s", owner: "b", lease: self.long, takingOver: true)
            #expect(try #require(taken).epoch > lock.epoch)
            await coordination.close()
        }
    }

    @Test func deadlinesHoldWhileTheServerHangs() async throws {
        try await RealRedis.with { server in
            let coordination = try await server.open { configuration in
                configuration.callTimeout = .milliseconds(300)
                configuration.connectTimeout = .milliseconds(200)
            }
            server.freeze()
            let start = ContinuousClock.now
            let codes = await withTaskGroup(of: CoordinationError.Code?.self) { group in
                for _ in 0..<50 { group.addTask { await Self.code { try await coordination.ping() } } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let elapsed = ContinuousClock.now - start
            #expect(codes.contains(.timedOut))
            #expect(codes.allSatisfy { $0 == .timedOut || $0 == .unavailable }, "\(codes)")
            #expect(elapsed >= .milliseconds(290), "\(elapsed)")
            // From now on nobody waits at all: a call that did would end as timed out.
            #expect(await Self.code { try await coordination.ping() } == .unavailable)
            server.thaw()
            try await self.recovers(coordination)
            await coordination.close()
        }
    }

    @Test func closingDrainsAndIsBoundedByTheDeadline() async throws {
        try await RealRedis.with { server in
            let coordination = try await server.open { $0.callTimeout = .milliseconds(300) }
            let calls = (0..<100).map { _ in Task.immediate { try await coordination.ping() } }
            await coordination.close()
            for call in calls { try await call.value }
            let other = try await server.open { $0.callTimeout = .milliseconds(300) }
            server.freeze()
            let hanging = Task.immediate { try await other.ping() }
            await other.close()
            let error = await #expect(throws: CoordinationError.self) { try await hanging.value }
            #expect(error?.code == .timedOut)
            server.thaw()
        }
    }

    @Test func aFlushInTheMiddleTakesNothingBack() async throws {
        try await RealRedis.with { server in
            let (coordination, console) = (try await server.open(), try await server.console())
            let (locks, ledger) = (coordination.locks, coordination.capacity)
            try await ledger.setCapacity(10, of: "n", lifetime: self.long)
            let request = CapacityRequest(node: "n", holder: "a", amount: 1)
            var last: Int64 = 0
            for round in 0..<200 {
                let owner = "owner \(round % 2)"
                let lock = try #require(try await locks.acquire("s", owner: owner, lease: self.long, takingOver: true))
                #expect(lock.epoch > last)
                last = lock.epoch
                if round % 10 == 0 {
                    try await console("FLUSHALL")
                    #expect(try await ledger.reserve([request]) == [.unknownNode])
                    if round % 20 == 0 { #expect(try await locks.renew([lock], lease: self.long) == [.held]) }
                }
            }
            await coordination.close()
        }
    }

    @Test func scriptsThatTheServerForgotAreSentAgain() async throws {
        try await RealRedis.with { server in
            let (coordination, console) = (try await server.open(), try await server.console())
            #expect(try await coordination.idempotency.claim("k", value: [1], lifetime: self.long) == .first)
            try await console("SCRIPT", "FLUSH")
            #expect(try await coordination.idempotency.claim("k", value: [2], lifetime: self.long) == .existing([1]))
            await coordination.close()
        }
    }

    @Test func answersTenThousandPipelinedCallsRight() async throws {
        try await RealRedis.with { server in
            let coordination = try await server.open { $0.callTimeout = .seconds(30) }
            let keys = coordination.idempotency
            let rightAnswers = try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<64 {
                    group.addTask {
                        var right = 0
                        for number in stride(from: task, to: 10_000, by: 64) {
                            let value = Array("value \(number)".utf8)
                            let first = try await keys.claim("\(number)", value: value, lifetime: .seconds(600))
                            let again = try await keys.claim("\(number)", value: [], lifetime: .seconds(600))
                            if first == .first, again == .existing(value) { right += 1 }
                        }
                        return right
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(rightAnswers == 10_000)
            await coordination.close()
        }
    }

    @Test func callsBeyondTheLimitAreRefused() async throws {
        try await RealRedis.with { server in
            let coordination = try await server.open { configuration in
                configuration.pendingCallLimit = 10
                configuration.callTimeout = .milliseconds(300)
            }
            server.freeze()
            let calls = (0..<11).map { _ in
                Task.immediate { await Self.code { try await coordination.ping() } }
            }
            var codes: [CoordinationError.Code?] = []
            for call in calls { codes.append(await call.value) }
            #expect(codes.filter { $0 == .overloaded }.count == 1, "\(codes)")
            server.thaw()
            // What was refused or lost no longer counts.
            try await self.recovers(coordination)
            for _ in 0..<100 { try await coordination.ping() }
            await coordination.close()
        }
    }

    @Test func aPasswordIsGivenAndAWrongOneIsReported() async throws {
        try await RealRedis.with(password: "p@ss word") { server in
            let coordination = try await server.open()
            try await coordination.ping()
            try await server.restart()
            try await self.recovers(coordination)
            await coordination.close()
            for password in [Secret("wrong"), nil] {
                let error = await #expect(throws: CoordinationError.self) {
                    try await server.open { $0.password = password }
                }
                #expect(error?.code == .refused && error?.isRetriable == false)
                #expect(error.map { "\($0)".contains("wrong pass") } != true)
            }
        }
    }

    @Test func aDatabaseIsSelected() async throws {
        try await RealRedis.with { server in
            let (first, second) = (try await server.open(), try await server.open { $0.database = 3 })
            #expect(try await first.idempotency.claim("k", value: [1], lifetime: self.long) == .first)
            #expect(try await second.idempotency.claim("k", value: [2], lifetime: self.long) == .first)
            let prefixed = try await server.open { $0.keyPrefix = "other:" }
            #expect(try await prefixed.idempotency.claim("k", value: [3], lifetime: self.long) == .first)
            for coordination in [first, second, prefixed] { await coordination.close() }
        }
    }

    @Test func keysOfAnotherKindAreErrors() async throws {
        try await RealRedis.with { server in
            let (coordination, console) = (try await server.open(), try await server.console())
            try await console("SET", "sandbox:lock:s", "text")
            try await console("SET", "sandbox:status:k", "too short")
            try await console("LPUSH", "sandbox:node:n", "1")
            try await console("HSET", "sandbox:node:odd", "capacity", "many", "reserved", "1")
            let (locks, ledger) = (coordination.locks, coordination.capacity)
            let codes = [
                await Self.code { _ = try await locks.acquire("s", owner: "a", lease: self.long) },
                await Self.code { _ = try await coordination.statuses.entries(["k"]) },
                await Self.code { _ = try await ledger.usage(of: ["n"]) },
            ]
            #expect(codes.allSatisfy { $0 == .unexpectedReply }, "\(codes)")
            #expect(await Self.code { _ = try await ledger.usage(of: ["odd"]) } != nil)
            // The connection is as good as before.
            try await coordination.ping()
            await coordination.close()
        }
    }

    @Test func aMissingServerIsNoErrorAtTheStart() async throws {
        let configuration = try RedisConfiguration(url: "redis+unix:///nowhere/redis.sock")
        let coordination = try await RedisCoordination.open(configuration, logger: .disabled)
        #expect(await Self.code { try await coordination.ping() } == .unavailable)
        await coordination.close()
        #expect(await Self.code { try await coordination.ping() } == .closed)
    }

    private static func code(_ call: () async throws -> Void) async -> CoordinationError.Code? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? CoordinationError)?.code
        }
    }
}
