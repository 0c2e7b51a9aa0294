import Coordination
import Testing

extension CoordinationContract {
    func verifyUse(_ coordination: any Coordination) async throws {
        switch self {
        case .answersManyInOrder: try await self.verifyMany(coordination)
        case .refusesSenselessArguments: await self.verifyArguments(coordination)
        default: await self.verifyClosing(coordination)
        }
    }

    /// More than one command takes.
    private func verifyMany(_ coordination: any Coordination) async throws {
        let names = (0..<1000).map { "name \($0)" }
        let entries = names.indices.map { StatusEntry(key: names[$0], version: $0, value: [UInt8($0 % 256)]) }
        try await coordination.statuses.put(entries, lifetime: long)
        #expect(try await coordination.statuses.entries(names.reversed()) == entries.reversed())
        try await coordination.capacity.setCapacity(600, of: "n", lifetime: long)
        let requests = names.map { CapacityRequest(node: "n", holder: $0, amount: 1) }
        let expected = names.indices.map { $0 < 600 ? CapacityAnswer.reserved : .full }
        #expect(try await coordination.capacity.reserve(requests) == expected)
        try await coordination.capacity.release(names.map { CapacityHolder(node: "n", name: $0) })
        let usages = try await coordination.capacity.usage(of: ["n"])
        #expect(usages == [NodeUsage(capacity: 600, reserved: 0, holderCount: 0)])
        try await self.verifyManyLocks(coordination.locks, names)
        try await coordination.statuses.remove(names, lifetime: long)
        #expect(try await coordination.statuses.entries(names) == names.map { _ in nil })
    }

    private func verifyManyLocks(_ locks: any SessionLocks, _ names: [String]) async throws {
        var held: [SessionLock] = []
        for name in names { held.append(try #require(try await locks.acquire(name, owner: "a", lease: long))) }
        _ = try await locks.acquire(names[700], owner: "b", lease: long, takingOver: true)
        let renewals = try await locks.renew(held, lease: long)
        #expect(renewals == names.indices.map { $0 == 700 ? .lost(to: "b") : .held })
        try await locks.release(held)
        #expect(try await locks.acquire(names[999], owner: "b", lease: long) != nil)
        #expect(try await locks.acquire(names[700], owner: "a", lease: long) == nil)
    }

    private func verifyArguments(_ coordination: any Coordination) async {
        let (locks, statuses) = (coordination.locks, coordination.statuses)
        let (capacity, keys) = (coordination.capacity, coordination.idempotency)
        let entry = StatusEntry(key: "k", version: 1, value: [])
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await locks.acquire("", owner: "a", lease: long) },
            { _ = try await locks.acquire("s", owner: "", lease: long) },
            { _ = try await locks.acquire("s", owner: "a", lease: .zero) },
            { _ = try await locks.renew([], lease: .seconds(-1)) },
            { try await statuses.put(entry, lifetime: .zero) },
            { try await statuses.put(entry, lifetime: .seconds(Int64.max)) },
            { try await statuses.put(StatusEntry(key: "k", version: -1, value: []), lifetime: long) },
            { try await statuses.put(StatusEntry(key: "", version: 1, value: []), lifetime: long) },
            { try await statuses.remove([StatusRemoval(key: "k", version: -1)], lifetime: long) },
            { try await capacity.setCapacity(-1, of: "n", lifetime: long) },
            { try await capacity.setCapacity(1, of: "n", holdings: ["a": -1], lifetime: long) },
            { _ = try await capacity.reserve([CapacityRequest(node: "n", holder: "a", amount: .max)]) },
            { try await capacity.release([CapacityHolder(node: "n", name: "")]) },
            { _ = try await keys.claim("", value: [], lifetime: long) },
        ]
        for (number, call) in calls.enumerated() {
            let error = await #expect(throws: CoordinationError.self, "call \(number)") { try await call() }
            #expect(error?.code == .invalidArgument, "call \(number)")
        }
    }

    private func verifyClosing(_ coordination: any Coordination) async {
        let locks = coordination.locks
        await coordination.close()
        await coordination.close()
        let errors = [
            await #expect(throws: CoordinationError.self) { try await coordination.ping() },
            await #expect(throws: CoordinationError.self) { try await locks.acquire("s", owner: "a", lease: long) },
            await #expect(throws: CoordinationError.self) { try await coordination.statuses.entries(["k"]) },
            await #expect(throws: CoordinationError.self) { try await coordination.capacity.usage(of: ["n"]) },
        ]
        for error in errors { #expect(error?.code == .closed && error?.isRetriable == false) }
    }
}
