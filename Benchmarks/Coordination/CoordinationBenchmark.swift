import Coordination
import RedisCoordination
import ServiceKit
import TestServers

/// Measures coordination over a real Redis server of its own: `swift run -c release coordination-benchmark`.
///
/// Prints one line per figure, times in microseconds.
@main enum CoordinationBenchmark {
    static func main() async throws {
        try await RealRedis.with { server in
            let configuration = try RedisConfiguration(url: server.url, callTimeout: .seconds(10))
            let coordination = try await RedisCoordination.open(configuration, logger: .disabled)
            try await self.measure("ping", tasks: 1, calls: 20_000) { _ in try await coordination.ping() }
            let (statuses, ledger, locks) = (coordination.statuses, coordination.capacity, coordination.locks)
            let value = [UInt8](repeating: 65, count: 400)
            try await ledger.setCapacity(1 << 40, of: "node", lifetime: .seconds(3600))
            for tasks in [1, 16, 256] {
                let calls = tasks == 1 ? 20_000 : 200_000
                try await self.measure("ping", tasks: tasks, calls: calls) { _ in try await coordination.ping() }
                try await self.measure("put a status of 400 bytes", tasks: tasks, calls: calls) { number in
                    let entry = StatusEntry(key: "execution \(number % 1000)", version: number, value: value)
                    try await statuses.put(entry, lifetime: .seconds(60))
                }
                try await self.measure("read a status of 400 bytes", tasks: tasks, calls: calls) { number in
                    _ = try await statuses.entries(["execution \(number % 1000)"])
                }
                try await self.measure("reserve and release", tasks: tasks, calls: calls / 2) { number in
                    let request = CapacityRequest(node: "node", holder: "session \(number)", amount: 1)
                    _ = try await ledger.reserve([request])
                    try await ledger.release([request.holder])
                }
                try await self.measure("acquire a lock", tasks: tasks, calls: calls / 2) { number in
                    _ = try await locks.acquire("session \(number % 1000)", owner: "a", lease: .seconds(60))
                }
            }
            await coordination.close()
        }
    }

    private static func measure(
        _ name: String,
        tasks: Int,
        calls: Int,
        _ call: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var times: [Duration] = []
                    for number in stride(from: task, to: calls, by: tasks) {
                        let start = ContinuousClock.now
                        try await call(number)
                        times.append(.now - start)
                    }
                    return times
                }
            }
            return try await group.reduce(into: [Duration]()) { $0 += $1 }.sorted()
        }
        let elapsed = ContinuousClock.now - start
        let rate = Int(Double(times.count) / (elapsed / .seconds(1)))
        let (middle, late) = (times[times.count / 2], times[times.count * 99 / 100])
        print(
            "\(name), \(tasks) tasks: \(rate)/s, p50 \(Int(middle / .microseconds(1))), p99 \(Int(late / .microseconds(1)))"
        )
    }
}
