import Foundation
import MessageBus
import SQLite

/// Measures the embedded bus: `swift run -c release message-bus-benchmark [folder]`.
///
/// Prints one line per figure, times in microseconds. The floor beside them is a write and `fdatasync` of 4 KiB.
@main enum MessageBusBenchmark {
    static func main() async throws {
        let parent = CommandLine.arguments.dropFirst().first ?? NSTemporaryDirectory()
        let folder = "\(parent)/message-bus-benchmark-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            // The folder is ours alone; what stays behind is only disk space.
            try? FileManager.default.removeItem(atPath: folder)
        }
        try flushFloor(folder)
        let bus = try await EmbeddedBus.open(path: folder + "/log.sqlite")
        try await bus.ensureTopics([
            TopicConfiguration(name: "lone", partitions: 1), TopicConfiguration(name: "busy", partitions: 8),
        ])
        for durability in [Durability.flushed, .relaxed] {
            try await publishOneAtATime(bus, durability)
            try await deliver(bus, durability)
        }
        try await acknowledgeOneAtATime(bus)
        for tasks in [16, 64, 256] { try await publishFromManyTasks(bus, tasks: tasks) }
        try await readFromDisk(bus)
        await bus.close()
    }

    static let body = [UInt8](repeating: 65, count: 600)

    static func flushFloor(_ folder: String) throws {
        let descriptor = open(folder + "/floor", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let page = [UInt8](repeating: 1, count: 4096)
        var times: [Duration] = []
        for _ in 0..<2000 {
            times.append(
                ContinuousClock().measure {
                    _ = write(descriptor, page, page.count)
                    fdatasync(descriptor)
                }
            )
        }
        report("floor: append 4 KiB and fdatasync", times)
    }

    static func publishOneAtATime(_ bus: EmbeddedBus, _ durability: Durability) async throws {
        var times: [Duration] = []
        for number in 0..<4000 {
            let start = ContinuousClock.now
            try await bus.publish(message("lone", number), durability: durability)
            times.append(.now - start)
        }
        report("publish one at a time, \(durability)", times)
    }

    /// How much later than its publisher a waiting member knows of a message.
    static func deliver(_ bus: EmbeddedBus, _ durability: Durability) async throws {
        let member = try await bus.subscribe(to: "lone", group: "delivery-\(durability)")
        while try await bus.lag(of: "delivery-\(durability)", on: "lone") != [0] {
            try await member.acknowledge(try await member.next(upTo: 1000))
        }
        var (whole, beyond) = ([Duration](), [Duration]())
        for number in 0..<4000 {
            let waiting = Task.immediate { () -> ContinuousClock.Instant in
                _ = try await member.next(upTo: 1)
                return .now
            }
            let start = ContinuousClock.now
            let committed = await withCheckedContinuation {
                (caller: CheckedContinuation<ContinuousClock.Instant, Never>) in
                bus.publish([message("lone", number)], durability: durability) { _ in caller.resume(returning: .now) }
            }
            let received = try await waiting.value
            whole.append(received - start)
            beyond.append(received - committed)
        }
        report("publish to next() of a waiting member, \(durability)", whole)
        report("  of it after the commit's callback, which comes after the wake-up", beyond)
        await member.close()
    }

    static func acknowledgeOneAtATime(_ bus: EmbeddedBus) async throws {
        let member = try await bus.subscribe(to: "lone", group: "settling")
        var times: [Duration] = []
        for _ in 0..<4000 {
            let deliveries = try await member.next(upTo: 1)
            let start = ContinuousClock.now
            try await member.acknowledge(deliveries)
            times.append(.now - start)
        }
        report("acknowledge one at a time, relaxed", times)
        await member.close()
    }

    static func publishFromManyTasks(_ bus: EmbeddedBus, tasks: Int) async throws {
        let total = 150_000
        let commits = bus.writer.commits
        let (start, cpu) = (ContinuousClock.now, clock())
        let times = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var times: [Duration] = []
                    for number in 0..<total / tasks {
                        let start = ContinuousClock.now
                        try await bus.publish(message("busy", task * total + number))
                        times.append(.now - start)
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let rate = Double(times.count) / seconds(.now - start)
        let cost = Double(clock() - cpu) / Double(times.count)
        let name = "publish from \(tasks) tasks: \(Int(rate))/s, \(bus.writer.commits - commits) commits"
        report("\(name), \(String(format: "%.1f", cost)) us of cpu each", times)
    }

    static func readFromDisk(_ bus: EmbeddedBus) async throws {
        let follower = try await bus.follow("busy", from: [:])
        var count = 0
        let wanted = Int(follower.startEndOffsets.reduce(0, +))
        let start = ContinuousClock.now
        while count < wanted { count += try await follower.next(upTo: 500).count }
        print("follow from the start, from disk: \(Int(Double(count) / seconds(.now - start)))/s")
        await follower.close()
    }

    static func message(_ topic: String, _ number: Int) -> OutgoingMessage {
        OutgoingMessage(topic: topic, key: "session-\(number % 1000)", body: self.body)
    }

    static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

    static func report(_ name: String, _ times: [Duration]) {
        let sorted = times.sorted()
        let figures = [("p50", 0.5), ("p99", 0.99), ("max", 1)].map { label, part in
            let time = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
            return "\(label) \(String(format: "%.1f", seconds(time) * 1e6))"
        }
        print("\(name): \(figures.joined(separator: ", "))")
    }
}
