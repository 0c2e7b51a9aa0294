import Testing

@testable import RedisCoordination

@Suite struct ProtocolTests {
    @Test func encodesCommands() {
        var command = RedisCommand("SET", "ä")
        command.append([0, 13, 10])
        command.append(-7)
        let bytes = Array("*4\r\n$3\r\nSET\r\n$2\r\nä\r\n$3\r\n".utf8) + [0, 13, 10] + Array("\r\n$2\r\n-7\r\n".utf8)
        #expect(command.encoded == bytes)
    }

    @Test func namesScriptsAsRedisDoes() {
        #expect(RedisScript("return 1").digest == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
    }

    @Test(arguments: [
        (1, Duration.zero), (2, .milliseconds(50)), (3, .milliseconds(100)), (6, .milliseconds(800)), (7, .seconds(1)),
        (100, .seconds(1)),
    ])
    func waitsLongerAfterEachFailure(_ failures: Int, _ longest: Duration) {
        for (random, expected) in [(1.0, longest), (0.0, longest / 2)] {
            var backoff = RedisBackoff()
            for _ in 1..<failures { _ = backoff.failed(random: random) }
            #expect(backoff.failed(random: random) == expected)
            backoff.connected()
            #expect(backoff.failed(random: random) == .zero)
        }
    }

    @Test func keepsPendingCallsInOrder() {
        func call(_ number: UInt8, _ deadline: ContinuousClock.Instant) -> RedisCall {
            RedisCall(bytes: [number], deadline: deadline) { _ in }
        }
        let start = ContinuousClock.now
        var pending = PendingCalls()
        for number in UInt8(0)..<100 { pending.append(call(number, start + .milliseconds(Int(number)))) }
        for number in UInt8(0)..<30 { #expect(pending.popFirst()?.bytes == [number]) }
        #expect(pending.takeExpired(start + .milliseconds(49)).flatMap(\.bytes) == Array(30..<50))
        pending.append(call(100, start))
        #expect(pending.takeAll().flatMap(\.bytes) == Array(50...100))
        #expect(pending.isEmpty && pending.popFirst() == nil)
    }
}
