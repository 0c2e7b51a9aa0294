import MessageBus
import Testing

extension MessageBusContract {
    func verifyTaking(_ bus: some MessageBus) async throws {
        switch self {
        case .givesEachMessageToOneMemberOfAGroup:
            let members = [
                try await bus.subscribe(to: "four", group: "g"), try await bus.subscribe(to: "four", group: "g"),
            ]
            try await bus.publish((0..<100).map { message("key \($0)", $0, to: "four") })
            let taken = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for member in members {
                    group.addTask {
                        var bodies: [UInt8] = []
                        while true {
                            let deliveries = try await member.next(upTo: 7)
                            guard !deliveries.isEmpty else { return bodies }
                            bodies += deliveries.bodies
                            try await member.acknowledge(deliveries)
                            // The last message is settled: nobody has anything to wait for.
                            if try await bus.lag(of: "g", on: "four").allSatisfy({ $0 == 0 }) {
                                for member in members { await member.stop() }
                            }
                        }
                    }
                }
                return try await group.reduce(into: [[UInt8]]()) { $0.append($1) }
            }
            #expect(taken.joined().sorted() == Array(0..<100))
            #expect(taken.allSatisfy { !$0.isEmpty })
            for member in members { await member.close() }

        case .givesEachMessageToEveryGroup:
            let members = [
                try await bus.subscribe(to: "one", group: "g"), try await bus.subscribe(to: "one", group: "h"),
            ]
            try await bus.publish((0..<20).map { message("key", $0) })
            for member in members {
                #expect(try await member.takeAndSettle(20) == Array(0..<20))
                await member.close()
            }

        case .startsANewGroupAtTheBeginning:
            try await bus.publish((0..<3).map { message("key", $0) })
            let member = try await bus.subscribe(to: "one", group: "g")
            #expect(try await member.takeAndSettle(3) == [0, 1, 2])
            await member.close()

        case .wakesAWaitingMember:
            let member = try await bus.subscribe(to: "one", group: "g")
            // Runs until it waits; on a bus in another process it may wait a little later, with the same outcome.
            let waiting = Task.immediate { try await member.next(upTo: 10) }
            try await bus.publish(message("key", 7))
            #expect(try await waiting.value.bodies == [7])
            await member.close()

        case .cancelsAWaitingMember:
            let member = try await bus.subscribe(to: "one", group: "g")
            let waiting = Task.immediate { try await member.next(upTo: 10) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            // Nothing was lost to the call that was cancelled.
            try await bus.publish(message("key", 7))
            #expect(try await member.next(upTo: 10).bodies == [7])
            await member.close()

        default:
            try await self.verifyLimit(bus)
        }
    }

    private func verifyLimit(_ bus: some MessageBus) async throws {
        try await bus.publish((0..<30).map { message("key \($0)", $0, to: "four") })
        let member = try await bus.subscribe(to: "four", group: "g")
        let follower = try await bus.follow("four", from: [:])
        var (taken, followed) = (0, 0)
        while taken < 30 {
            let count = try await member.next(upTo: 4).count
            #expect((1...4).contains(count))
            taken += count
        }
        while followed < 30 {
            let count = try await follower.next(upTo: 4).count
            #expect((1...4).contains(count))
            followed += count
        }
        await member.close()
        await follower.close()
    }
}
