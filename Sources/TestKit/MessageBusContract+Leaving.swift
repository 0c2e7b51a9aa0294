import MessageBus
import Testing

extension MessageBusContract {
    func verifyLeaving(_ bus: some MessageBus) async throws {
        let member = try await bus.subscribe(to: "one", group: "g")
        switch self {
        case .redeliversWhatAClosedMemberLeftUnsettled:
            try await bus.publish((0..<4).map { message("key", $0) })
            let taken = try await member.take(3)
            try await member.acknowledge(taken[0])
            await member.close()
            await member.close()
            let other = try await bus.subscribe(to: "one", group: "g")
            #expect(try await other.takeAndSettle(3) == [1, 2, 3])
            await other.close()

        case .redeliversFromTheFirstUnsettledOfAPartition:
            try await bus.publish((0..<3).map { message("key", $0) })
            let taken = try await member.take(3)
            try await member.acknowledge(taken[2])
            try await member.acknowledge(taken[0])
            #expect(try await bus.lag(of: "g", on: "one") == [2])
            await member.close()
            let other = try await bus.subscribe(to: "one", group: "g")
            #expect(try await other.next(upTo: 1).bodies == [1])
            await other.close()

        case .letsAStoppedMemberSettleWhatItHolds:
            try await bus.publish((0..<2).map { message("key", $0) })
            let held = try await member.take(1)
            await member.stop()
            try await member.acknowledge(held)
            // Settling again does no harm.
            try await member.acknowledge(held)
            await member.close()
            let other = try await bus.subscribe(to: "one", group: "g")
            #expect(try await other.next(upTo: 5).bodies == [1])
            await other.close()

        case .endsAStoppedMember:
            try await bus.publish(message("key", 1))
            await member.stop()
            #expect(try await member.next(upTo: 1).isEmpty)
            let other = try await bus.subscribe(to: "one", group: "g")
            #expect(try await other.next(upTo: 1).bodies == [1])
            await other.close()

        case .endsAWaitingMemberThatStops:
            let waiting = Task.immediate { try await member.next(upTo: 1) }
            await member.stop()
            #expect(try await waiting.value.isEmpty)

        case .refusesToSettleAfterClosing:
            try await bus.publish(message("key", 1))
            let held = try await member.take(1)
            await member.close()
            #expect(await #expect(throws: BusError.self) { try await member.acknowledge(held) }?.code == .closed)
            #expect(try await member.next(upTo: 1).isEmpty)

        default:
            try await self.verifyJoining(bus)
        }
        await member.close()
    }

    private func verifyJoining(_ bus: some MessageBus) async throws {
        let first = try await bus.subscribe(to: "four", group: "g")
        try await bus.publish((0..<4).map { message("key", $0, to: "four", partition: Int($0)) })
        #expect(try await first.takeAndSettle(4).sorted() == [0, 1, 2, 3])
        let second = try await bus.subscribe(to: "four", group: "g")
        try await bus.publish((4..<8).map { message("key", $0, to: "four", partition: Int($0) % 4) })
        let deliveries = [try await first.take(2), try await second.take(2)]
        #expect(deliveries.joined().flatMap { $0.body ?? [] }.sorted() == [4, 5, 6, 7])
        // Who leaves gives its partitions to the other.
        try await second.acknowledge(deliveries[1])
        await second.close()
        try await first.acknowledge(deliveries[0])
        try await bus.publish((8..<12).map { message("key", $0, to: "four", partition: Int($0) % 4) })
        #expect(try await first.takeAndSettle(4).sorted() == [8, 9, 10, 11])
        await first.close()
    }

    func verifyReopening<Bus: MessageBus>(_ bus: Bus, reopen: (Bus) async throws -> Bus) async throws {
        try await bus.publish((0..<6).map { message("key", $0) })
        let member = try await bus.subscribe(to: "one", group: "g")
        let taken = try await member.take(4)
        switch self {
        case .redeliversAfterReopening:
            try await member.acknowledge(taken[0])
            try await member.acknowledge(taken[1])
            let again = try await reopen(bus)
            let other = try await again.subscribe(to: "one", group: "g")
            #expect(try await other.takeAndSettle(4) == [2, 3, 4, 5])
            await other.close()

        default:
            try await member.acknowledge(taken)
            let again = try await reopen(bus)
            try await again.publish(message("key", 6))
            let other = try await again.subscribe(to: "one", group: "g")
            #expect(try await other.takeAndSettle(3) == [4, 5, 6])
            await other.close()
        }
    }
}
