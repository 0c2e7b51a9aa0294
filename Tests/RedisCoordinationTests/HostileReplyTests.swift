import Coordination
import ServiceKit
import Testing

@testable import RedisCoordination

@Suite(.timeLimit(.minutes(10))) struct HostileReplyTests {
    /// - Parameter callTimeout: Short where no answer comes; long where one does, however busy the machine is.
    private func open(_ server: ScriptedRedis, callTimeout: Duration = .seconds(60)) async throws -> RedisCoordination {
        let configuration = try RedisConfiguration(
            url: server.url,
            callTimeout: callTimeout,
            connectTimeout: .seconds(60)
        )
        return try await RedisCoordination.open(configuration, logger: .disabled)
    }

    @Test(arguments: [
        ":1\r\n", "$-1\r\n", "$2\r\nOK\r\n", "+OK\r\n", "*0\r\n", "*-1\r\n", "*2\r\n:1\r\n:2\r\n",
        "*1\r\n*1\r\n*1\r\n:1\r\n", "*1\r\n$-1\r\n",
    ])
    func anAnswerOfAnotherKindIsAnError(_ answer: String) async throws {
        let server = try ScriptedRedis(answering: answer)
        let coordination = try await self.open(server)
        let error = await #expect(throws: CoordinationError.self) { try await coordination.ping() }
        #expect(error?.code == .unexpectedReply, "\(String(describing: error))")
        await coordination.close()
    }

    @Test(arguments: [
        ("+OK\r\n", ["acquire", "renew", "entries", "reserve", "usage", "claim"]),
        ("*1\r\n+OK\r\n", ["acquire", "renew", "entries", "reserve", "usage", "claim"]),
        (":7\r\n", ["acquire", "renew", "entries", "reserve", "usage", "claim"]),
        ("$3\r\nabc\r\n", ["acquire", "renew", "entries", "reserve", "usage"]),
        ("*1\r\n*2\r\n:1\r\n:2\r\n", ["acquire", "renew", "entries", "reserve", "usage", "claim"]),
        ("$-1\r\n", ["renew", "entries", "reserve", "usage"]),
    ])
    func everyCallMistrustsItsAnswer(_ answer: String, _ calls: [String]) async throws {
        let server = try ScriptedRedis(answering: answer)
        let coordination = try await self.open(server)
        for call in calls {
            let error = await #expect(throws: CoordinationError.self, "\(call)") {
                try await self.perform(call, on: coordination)
            }
            #expect(error?.code == .unexpectedReply, "\(call)")
        }
        await coordination.close()
    }

    private func perform(_ call: String, on coordination: RedisCoordination) async throws {
        let (locks, ledger, long) = (coordination.locks, coordination.capacity, Duration.seconds(600))
        let lock = SessionLock(name: "s", owner: "a", epoch: 1)
        switch call {
        case "acquire": _ = try await locks.acquire("s", owner: "a", lease: long)
        case "renew": _ = try await locks.renew([lock], lease: long)
        case "entries": _ = try await coordination.statuses.entries(["k"])
        case "reserve": _ = try await ledger.reserve([CapacityRequest(node: "n", holder: "a", amount: 1)])
        case "usage": _ = try await ledger.usage(of: ["n"])
        default: _ = try await coordination.idempotency.claim("k", value: [], lifetime: long)
        }
    }

    @Test(arguments: [
        ("-LOADING Redis is loading\r\n", CoordinationError.Code.unavailable), ("-OOM no memory\r\n", .unavailable),
        ("-NOPERM no\r\n", .refused), ("-ERR unknown\r\n", .refused), ("-WRONGTYPE no\r\n", .unexpectedReply),
    ])
    func anErrorSaysWhatToDo(_ answer: String, _ code: CoordinationError.Code) async throws {
        let server = try ScriptedRedis(answering: answer)
        let coordination = try await self.open(server)
        let error = await #expect(throws: CoordinationError.self) { try await coordination.ping() }
        #expect(error?.code == code)
        await coordination.close()
    }

    @Test(arguments: ["?what\r\n", "$99999999999999999999\r\n", "*1000000000\r\n", "$10\r\nabc", "", "*1\r\n"])
    func whatIsNoAnswerEndsTheConnectionAlone(_ answer: String) async throws {
        for afterwards in [ScriptedRedis.Afterwards.goesOn, .hangsUp] {
            let server = try ScriptedRedis(answering: answer, afterwards)
            let coordination = try await self.open(server, callTimeout: .milliseconds(200))
            let error = await #expect(throws: CoordinationError.self) { try await coordination.ping() }
            #expect(error?.isRetriable == true, "\(String(describing: error))")
            await coordination.close()
        }
    }

    @Test func moreAnswersThanQuestionsEndTheConnection() async throws {
        let server = try ScriptedRedis(answering: "+PONG\r\n+PONG\r\n")
        let coordination = try await self.open(server)
        try await coordination.ping()
        // The second answer must not become that of the next call.
        var hasLost = false
        while !hasLost {
            do throws(CoordinationError) {
                try await coordination.ping()
            } catch {
                hasLost = true
                #expect(error.code == .unavailable)
            }
        }
        await coordination.close()
    }
}
