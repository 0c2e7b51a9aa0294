import Coordination
import Testing

extension CoordinationContract {
    func verifyStatuses(_ statuses: any StatusCache) async throws {
        func entry(_ version: Int, _ value: UInt8, _ key: String = "k") -> StatusEntry {
            StatusEntry(key: key, version: version, value: [value])
        }
        switch self {
        case .keepsTheNewestStatus:
            try await statuses.put(entry(5, 1), lifetime: long)
            try await statuses.put(entry(4, 2), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(5, 1)])
            try await statuses.put(entry(5, 3), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(5, 3)])
            // Within one call, too.
            try await statuses.put([entry(12, 4), entry(7, 5)], lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(12, 4)])

        case .readsStatusesInOrder:
            let bytes = StatusEntry(key: "b", version: 0, value: Array(0...255))
            try await statuses.put([entry(1, 1, "a"), bytes], lifetime: long)
            try await statuses.put(StatusEntry(key: "empty", version: 3, value: []), lifetime: long)
            let found = try await statuses.entries(["b", "none", "empty", "a"])
            #expect(found == [bytes, nil, StatusEntry(key: "empty", version: 3, value: []), entry(1, 1, "a")])
            #expect(try await statuses.entries([]).isEmpty)

        case .comparesLargeVersionsExactly:
            // Neighbours that are the same number as a double.
            try await statuses.put(entry(.max - 1, 1), lifetime: long)
            try await statuses.put(entry(.max - 2, 2), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(.max - 1, 1)])
            try await statuses.put(entry(.max, 3), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(.max, 3)])

        case .forgetsAStatusAfterItsLifetime:
            try await statuses.put(entry(5, 1), lifetime: short)
            try await statuses.put(entry(5, 1, "kept"), lifetime: long)
            try await until { try await statuses.entries(["k"]) == [nil] }
            #expect(try await statuses.entries(["kept"]) == [entry(5, 1, "kept")])
            try await statuses.put(entry(1, 2), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(1, 2)])

        case .keepsARemovedStatusOut:
            try await statuses.put(entry(5, 1), lifetime: long)
            try await statuses.remove(["k", "unknown"], lifetime: long)
            #expect(try await statuses.entries(["k", "unknown"]) == [nil, nil])
            try await statuses.put([entry(4, 2), entry(5, 3)], lifetime: long)
            #expect(try await statuses.entries(["k"]) == [nil])
            try await statuses.put(entry(6, 4), lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(6, 4)])
            try await statuses.remove(["k"], lifetime: short)
            try await until {
                try await statuses.put(entry(1, 5), lifetime: long)
                return try await statuses.entries(["k"]) == [entry(1, 5)]
            }

        case .ignoresAnOldRemoval:
            try await statuses.put(entry(5, 1), lifetime: long)
            try await statuses.remove([StatusRemoval(key: "k", version: 4)], lifetime: long)
            #expect(try await statuses.entries(["k"]) == [entry(5, 1)])

        default:
            try await statuses.put(entry(5, 1), lifetime: long)
            let removals = [StatusRemoval(key: "k", version: 8), StatusRemoval(key: "late", version: 8)]
            try await statuses.remove(removals, lifetime: long)
            // A removal that comes after it with less does not let older ones in.
            try await statuses.remove(["k"], lifetime: long)
            try await statuses.put([entry(8, 2), entry(7, 3, "late")], lifetime: long)
            #expect(try await statuses.entries(["k", "late"]) == [nil, nil])
            try await statuses.put([entry(9, 4), entry(9, 5, "late")], lifetime: long)
            #expect(try await statuses.entries(["k", "late"]) == [entry(9, 4), entry(9, 5, "late")])
        }
    }

    func verifyIdempotency(_ keys: any IdempotencyKeys) async throws {
        switch self {
        case .givesAKeyToTheFirstClaim:
            let claims = try await withThrowingTaskGroup(of: IdempotencyClaim.self) { group in
                for number in UInt8(0)..<50 {
                    group.addTask { try await keys.claim("k", value: [number], lifetime: long) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(claims.filter { $0 == .first }.count == 1)
            #expect(Set(claims).count == 2, "all others see the same value")
            #expect(try await keys.claim("other", value: [], lifetime: long) == .first)
            #expect(try await keys.claim("other", value: [1], lifetime: long) == .existing([]))

        case .forgetsAKeyAfterItsLifetime:
            #expect(try await keys.claim("k", value: [1], lifetime: short) == .first)
            try await until { try await keys.claim("k", value: [2], lifetime: long) == .first }
            #expect(try await keys.claim("k", value: [3], lifetime: long) == .existing([2]))

        default:
            #expect(try await keys.claim("k", value: [1], lifetime: long) == .first)
            try await keys.withdraw("k", value: [2])
            try await keys.withdraw("unknown", value: [2])
            #expect(try await keys.claim("k", value: [3], lifetime: long) == .existing([1]))
            try await keys.withdraw("k", value: [1])
            #expect(try await keys.claim("k", value: [3], lifetime: long) == .first)
        }
    }
}
