import Foundation
import MessageBus
import ServiceKit
import TestSpawn
import Testing

/// Kills a publishing process in the middle of its bursts, again and again, and looks for what it had confirmed.
@Suite struct KillTests {
    private static let kills = 200
    private static let burst = 5

    @Test(.timeLimit(.minutes(10))) func losesNothingConfirmedOverKills() async throws {
        let seed = UInt64.random(in: 0..<UInt64.max)
        print("kill seed \(seed)")
        var generator = SplitMix(state: seed)
        let folder = try TemporaryFolder()
        var ends: [Int64] = [0, 0, 0, 0]
        var (confirmed, found, idle) = (0, 0, 0)
        for _ in 0..<Self.kills {
            // Some die while they open the log, most in the middle of what they do.
            let patience = Int.random(in: 0..<40, using: &generator)
            let microseconds = UInt32.random(in: 0..<3000, using: &generator)
            let lines = try await Self.onThread {
                try BurstProcess(log: folder.log, burst: Self.burst).kill(
                    afterLines: patience,
                    microseconds: microseconds
                )
            }
            let bus = try await EmbeddedBus.open(path: folder.log)
            try await bus.ensureTopics([TopicConfiguration(name: "burst", partitions: 4)])
            let deliveries = try await Self.contents(bus, from: ends)
            try Self.check(deliveries, startingAt: ends, confirmed: lines)
            ends = try await bus.endOffsets(of: "burst")
            await bus.close()
            (confirmed, found) = (confirmed + lines.count * Self.burst, found + deliveries.count)
            if lines.isEmpty { idle += 1 }
        }
        print("\(Self.kills) kills, \(confirmed) messages confirmed, \(found) found, \(idle) killed before the first")
        #expect(found == Int(ends.reduce(0, +)))
        #expect(confirmed > 0 && idle < Self.kills / 2)
    }

    private static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { caller in
            do {
                try DedicatedThread.start(name: "kill-test") { caller.resume(with: Result { try body() }) }
            } catch {
                caller.resume(throwing: error)
            }
        }
    }

    private static func contents(_ bus: EmbeddedBus, from ends: [Int64]) async throws -> [Delivery] {
        let offsets = Dictionary(uniqueKeysWithValues: ends.enumerated().map { ($0.offset, $0.element) })
        let follower = try await bus.follow("burst", from: offsets)
        let wanted = Int(follower.startEndOffsets.reduce(0, +) - ends.reduce(0, +))
        var contents: [Delivery] = []
        while contents.count < wanted { contents += try await follower.next(upTo: 1000) }
        await follower.close()
        return contents
    }

    private static func check(_ deliveries: [Delivery], startingAt ends: [Int64], confirmed: [String]) throws {
        for (partition, end) in ends.enumerated() {
            let offsets = deliveries.filter { $0.partition == partition }.map(\.offset)
            // No gap and no offset twice.
            #expect(offsets == Array(end..<end + Int64(offsets.count)))
        }
        let numbers = Dictionary(grouping: deliveries, by: \.key).mapValues { deliveries in
            deliveries.compactMap { Int(String(decoding: $0.body ?? [], as: UTF8.self)) }
        }
        for numbers in numbers.values {
            // In order, none twice, and each burst whole.
            #expect(numbers == Array(0..<numbers.count))
            #expect(numbers.count % Self.burst == 0)
        }
        for line in confirmed {
            let parts = line.split(separator: " ")
            let last = try #require(parts.last.flatMap { Int($0) })
            let stored = try #require(numbers[String(parts[0])])
            #expect(stored.count > last)
        }
    }
}

/// A `bus-burst` of its own. Blocks the thread that uses it.
private final class BurstProcess {
    private let process: SpawnedProgram
    private let output: Int32

    init(log: String, burst: Int) throws {
        // Built beside the tests, which depend on it.
        let folder = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .deletingLastPathComponent()
        let output = try DescriptorPair()
        self.output = output.reading
        defer { close(output.writing) }
        self.process = try SpawnedProgram("\(folder.path)/bus-burst", [log, "\(burst)"], output: output.writing)
    }

    /// Kills the process some time after it has printed so many lines; returns all the bursts it had confirmed.
    func kill(afterLines count: Int, microseconds: UInt32) throws -> [String] {
        defer { close(self.output) }
        var text: [UInt8] = []
        while text.count(where: { $0 == 10 }) < count {
            let chunk = DescriptorPair.read(self.output)
            if chunk.isEmpty { break }
            text += chunk
        }
        // Not to wait for anything: the moment is what varies.
        usleep(microseconds)
        Foundation.kill(self.process.pid, SIGKILL)
        while case let chunk = DescriptorPair.read(self.output), !chunk.isEmpty { text += chunk }
        #expect(self.process.wait() == .signal(SIGKILL))
        var lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        // What follows the last newline was not printed whole.
        lines.removeLast()
        return lines.filter { $0 != "ready" }.map(String.init)
    }
}
