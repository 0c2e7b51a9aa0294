import Foundation
import MessageBus

/// Publishes bursts from several tasks until it is killed: `bus-burst LOG BURST`.
///
/// Prints `ready`, and then a line for each burst once it is confirmed: the task, and the number of its last message.
/// Message `n` of a task has its name as the key and `n` as the body, so that a reader can tell what is missing.
@main enum BusBurst {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let burst = Int(arguments[2]), burst > 0 else {
            FileHandle.standardError.write(Data("usage: bus-burst LOG BURST\n".utf8))
            exit(64)
        }
        let bus = try await EmbeddedBus.open(path: arguments[1])
        try await bus.ensureTopics([TopicConfiguration(name: "burst", partitions: 4)])
        let run = UUID().uuidString
        say("ready")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let key = "\(run)/\(task)"
                    // One in four is relaxed: the end of a process loses neither.
                    let durability = task % 4 == 0 ? Durability.relaxed : .flushed
                    var next = 0
                    while true {
                        let messages = (next..<next + burst).map {
                            OutgoingMessage(topic: "burst", key: key, body: Array("\($0)".utf8))
                        }
                        try await bus.publish(messages, durability: durability)
                        next += burst
                        say("\(key) \(next - 1)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One write, so that lines of several tasks do not mix and none is lost in a buffer by the kill.
    static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }
}
