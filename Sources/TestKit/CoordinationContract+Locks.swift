import Coordination
import Testing

extension CoordinationContract {
    func verifyAcquiring(_ locks: any SessionLocks, flush: () async throws -> Void) async throws {
        if self == .givesAnExpiredLockToAnother { return try await self.verifyExpiry(locks) }
        if self == .givesALockToOneOfManyAtOnce { return try await self.verifyContention(locks) }
        let first = try #require(try await locks.acquire("s", owner: "a", lease: long))
        #expect(first.name == "s" && first.owner == "a")
        switch self {
        case .givesALockToOneOwner:
            #expect(try await locks.acquire("s", owner: "b", lease: long) == nil)
            #expect(try await locks.acquire("other", owner: "b", lease: long)?.owner == "b")
            #expect(try await locks.renew([first], lease: long) == [.held])

        case .givesTheSameEpochToItsOwner:
            #expect(try await locks.acquire("s", owner: "a", lease: long) == first)
            // Microseconds since 1970; the bound is in 2020.
            #expect(first.epoch > 1_577_836_800_000_000)

        case .takesALockOverWithAHigherEpoch:
            let second = try #require(try await locks.acquire("s", owner: "b", lease: long, takingOver: true))
            #expect(second.owner == "b" && second.epoch > first.epoch)
            #expect(try await locks.acquire("s", owner: "a", lease: long) == nil)
            // An owner that was started again fences what it was before.
            let third = try #require(try await locks.acquire("s", owner: "b", lease: long, takingOver: true))
            #expect(third.epoch > second.epoch)
            #expect(
                try await locks.renew([first, second, third], lease: long) == [.lost(to: "b"), .lost(to: "b"), .held]
            )

        case .raisesTheEpochAfterARelease:
            try await locks.release([first])
            let second = try #require(try await locks.acquire("s", owner: "a", lease: long))
            #expect(second.epoch > first.epoch)

        default:
            try await flush()
            let second = try #require(try await locks.acquire("s", owner: "b", lease: long))
            #expect(second.epoch > first.epoch)
        }
    }

    private func verifyExpiry(_ locks: any SessionLocks) async throws {
        let first = try #require(try await locks.acquire("s", owner: "a", lease: short))
        var second: SessionLock?
        try await until {
            second = try await locks.acquire("s", owner: "b", lease: long)
            return second != nil
        }
        #expect(try #require(second).epoch > first.epoch)
        #expect(try await locks.renew([first], lease: long) == [.lost(to: "b")])
    }

    private func verifyContention(_ locks: any SessionLocks) async throws {
        let holders = try await withThrowingTaskGroup(of: SessionLock?.self) { group in
            for number in 0..<50 {
                group.addTask { try await locks.acquire("s", owner: "owner \(number)", lease: long) }
            }
            return try await group.reduce(into: [SessionLock]()) { if let lock = $1 { $0.append(lock) } }
        }
        #expect(holders.count == 1)
        #expect(try await locks.renew(holders, lease: long) == [.held])
    }

    func verifyRenewing(_ locks: any SessionLocks, flush: () async throws -> Void) async throws {
        let isShort = self == .establishesAnExpiredLockAgain
        let first = try #require(try await locks.acquire("s", owner: "a", lease: isShort ? short : long))
        switch self {
        case .renewsWhatIsHeld:
            let shortLived = try #require(try await locks.acquire("t", owner: "a", lease: .milliseconds(300)))
            let start = ContinuousClock.now
            #expect(try await locks.renew([first, shortLived], lease: long) == [.held, .held])
            // Asked for beyond the first lease: were it not extended, the other one would get it.
            while ContinuousClock.now < start + .milliseconds(350) {
                #expect(try await locks.acquire("t", owner: "b", lease: long) == nil)
                await Task.yield()
            }

        case .tellsWhoTookALock:
            let taken = try #require(try await locks.acquire("s", owner: "b", lease: long, takingOver: true))
            #expect(try await locks.renew([first], lease: long) == [.lost(to: "b")])
            try await locks.release([taken])
            #expect(try await locks.renew([first], lease: long) == [.lost(to: nil)])

        case .doesNotRenewWhatWasReleased:
            try await locks.release([first])
            #expect(try await locks.renew([first], lease: long) == [.lost(to: nil)])
            #expect(try await locks.acquire("s", owner: "b", lease: long) != nil)

        case .establishesAnExpiredLockAgain:
            // Its end shows on another lock that was given later, for as long.
            _ = try await locks.acquire("later", owner: "a", lease: short)
            try await until { try await locks.acquire("later", owner: "b", lease: long) != nil }
            #expect(try await locks.renew([first], lease: long) == [.held])
            #expect(try await locks.acquire("s", owner: "b", lease: long) == nil)
            #expect(try await locks.acquire("s", owner: "a", lease: long) == first)

        case .establishesAForgottenLockAgain:
            try await flush()
            #expect(try await locks.renew([first], lease: long) == [.held])
            #expect(try await locks.acquire("s", owner: "b", lease: long) == nil)
            #expect(try await locks.acquire("s", owner: "a", lease: long) == first)

        case .letsTheHigherEpochWinAfterAFlush:
            let second = try #require(try await locks.acquire("s", owner: "b", lease: long, takingOver: true))
            try await flush()
            #expect(try await locks.renew([first], lease: long) == [.held])
            #expect(try await locks.renew([second], lease: long) == [.held])
            #expect(try await locks.renew([first], lease: long) == [.lost(to: "b")])

        default:
            let stale = first
            let second = try #require(try await locks.acquire("s", owner: "b", lease: long, takingOver: true))
            let other = SessionLock(name: "s", owner: "a", epoch: second.epoch)
            try await locks.release([stale, other, SessionLock(name: "unknown", owner: "a", epoch: 1)])
            #expect(try await locks.renew([second], lease: long) == [.held])
            #expect(try await locks.acquire("s", owner: "c", lease: long) == nil)
        }
    }
}
