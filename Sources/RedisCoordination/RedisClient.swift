import Coordination
import ServiceKit

/// Commands and scripts for one server, each answered or failed by its deadline.
///
/// Letting go of it ends the thread behind it.
final class RedisClient: Sendable {
    let configuration: RedisConfiguration
    private let loop: RedisLoop

    /// Returns when the first attempt to connect has worked or failed.
    ///
    /// - Throws: `refused` when the server says no. One that is not there is no error: calls fail until it is.
    init(_ configuration: RedisConfiguration, logger: Logger) async throws(CoordinationError) {
        self.configuration = configuration
        self.loop = try RedisLoop(configuration, logger: logger)
        do throws(ThreadError) {
            try DedicatedThread.start(name: "redis") { [loop] in loop.run() }
        } catch {
            throw CoordinationError(.unavailable, "no thread for Redis", cause: error)
        }
        // A task that is cancelled does not wait: its first calls may then come too early, and fail.
        try? await self.loop.hasTried.wait()
        if let cause = self.loop.outage?.cause as? CoordinationError, cause.code == .refused { throw cause }
    }

    deinit { self.loop.close() }

    func close() async {
        self.loop.close()
        // A task that is cancelled does not wait: the thread ends by itself, within the deadline of its last call.
        try? await self.loop.hasEnded.wait()
    }

    /// - Throws: ``CoordinationError``, also for an error reply.
    func call(_ command: RedisCommand) async throws(CoordinationError) -> RedisValue {
        let reply = try await self.send(command)
        if case .error(let text) = reply { throw CoordinationError(reply: text) }
        return reply
    }

    /// Runs a script by its digest, or by its text where the server does not know it (any more).
    ///
    /// - Parameter arguments: What comes after the keys.
    func run(
        _ script: RedisScript,
        keys: [String],
        _ arguments: (inout RedisCommand) -> Void
    ) async throws(CoordinationError) -> RedisValue {
        var tail = RedisCommand()
        tail.append(keys.count)
        for key in keys { tail.append(self.configuration.keyPrefix + key) }
        arguments(&tail)
        if let digest = script.digest {
            let reply = try await self.send(RedisCommand("EVALSHA", digest), tail)
            guard case .error(let text) = reply else { return reply }
            guard text.hasPrefix("NOSCRIPT") else { throw CoordinationError(reply: text) }
        }
        let reply = try await self.send(RedisCommand("EVAL", script.text), tail)
        if case .error(let text) = reply { throw CoordinationError(reply: text) }
        return reply
    }

    private func send(
        _ command: RedisCommand,
        _ tail: RedisCommand = RedisCommand()
    ) async throws(CoordinationError) -> RedisValue {
        var command = command
        command.append(contentsOf: tail)
        let (bytes, deadline) = (command.encoded, ContinuousClock.now + self.configuration.callTimeout)
        let result = await withCheckedContinuation { continuation in
            self.loop.send(RedisCall(bytes: bytes, deadline: deadline) { continuation.resume(returning: $0) })
        }
        return try result.get()
    }
}
