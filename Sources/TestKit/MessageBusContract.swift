public import MessageBus
import Testing

/// The promises of `MessageBus`, one case each, so that each implementation reports each promise separately.
public enum MessageBusContract: String, CaseIterable, Sendable {
    case keepsTheOrderOfAKey
    case keepsAKeyInItsPartition
    case honoursAnExplicitPartition
    case choosesPartitionsAsKafkaDoes
    case publishesSeveralMessagesInOrder
    case publishesAllOrNothing
    case refusesUnknownTopics
    case refusesAnotherPartitionCount
    case givesEachMessageToOneMemberOfAGroup
    case givesEachMessageToEveryGroup
    case startsANewGroupAtTheBeginning
    case wakesAWaitingMember
    case cancelsAWaitingMember
    case boundsDeliveriesByTheLimit
    case redeliversWhatAClosedMemberLeftUnsettled
    case redeliversFromTheFirstUnsettledOfAPartition
    case redeliversAfterReopening
    case doesNotRedeliverTheSettledAfterReopening
    case letsAStoppedMemberSettleWhatItHolds
    case endsAStoppedMember
    case endsAWaitingMemberThatStops
    case refusesToSettleAfterClosing
    case sharesPartitionsWithAMemberThatJoins
    case followsEveryPartitionFromGivenOffsets
    case followsWhatComesLater
    case showsTombstonesToFollowers
    case tellsWhenAFollowerHasCaughtUp
    case refusesToFollowFromBeyondTheEnd
    case countsEndsAndLag

    /// Checks the promise against a bus that has no topics yet.
    ///
    /// - Parameters:
    ///   - bus: A new one; the caller closes it.
    ///   - reopen: Ends the bus given and opens its log again.
    public func verify<Bus: MessageBus>(_ bus: Bus, reopen: (Bus) async throws -> Bus) async throws {
        let topics = ["one", "four"].map { TopicConfiguration(name: $0, partitions: $0 == "one" ? 1 : 4) }
        try await bus.ensureTopics(topics)
        switch self {
        case .keepsTheOrderOfAKey, .keepsAKeyInItsPartition, .honoursAnExplicitPartition,
            .choosesPartitionsAsKafkaDoes, .publishesSeveralMessagesInOrder, .publishesAllOrNothing,
            .refusesUnknownTopics, .refusesAnotherPartitionCount, .countsEndsAndLag:
            try await self.verifyPublishing(bus)
        case .followsEveryPartitionFromGivenOffsets, .followsWhatComesLater, .showsTombstonesToFollowers,
            .tellsWhenAFollowerHasCaughtUp, .refusesToFollowFromBeyondTheEnd:
            try await self.verifyFollowing(bus)
        case .redeliversWhatAClosedMemberLeftUnsettled, .redeliversFromTheFirstUnsettledOfAPartition,
            .letsAStoppedMemberSettleWhatItHolds, .endsAStoppedMember, .endsAWaitingMemberThatStops,
            .refusesToSettleAfterClosing, .sharesPartitionsWithAMemberThatJoins:
            try await self.verifyLeaving(bus)
        case .redeliversAfterReopening, .doesNotRedeliverTheSettledAfterReopening:
            try await self.verifyReopening(bus, reopen: reopen)
        default:
            try await self.verifyTaking(bus)
        }
    }
}

// MARK: What the clauses are written in

func message(_ key: String, _ body: UInt8, to topic: String = "one", partition: Int? = nil) -> OutgoingMessage {
    OutgoingMessage(topic: topic, key: key, partition: partition, body: [body])
}

extension MessageSubscription {
    /// The bodies of the next `count` deliveries, which are settled.
    func takeAndSettle(_ count: Int) async throws -> [UInt8] {
        var bodies: [UInt8] = []
        while bodies.count < count {
            let deliveries = try await self.next(upTo: count - bodies.count)
            try #require(!deliveries.isEmpty)
            try await self.acknowledge(deliveries)
            bodies += deliveries.flatMap { $0.body ?? [] }
        }
        return bodies
    }

    /// The next `count` deliveries, unsettled.
    func take(_ count: Int) async throws -> [Delivery] {
        var taken: [Delivery] = []
        while taken.count < count {
            let deliveries = try await self.next(upTo: count - taken.count)
            try #require(!deliveries.isEmpty)
            taken += deliveries
        }
        return taken
    }
}

extension MessageFollower {
    func take(_ count: Int) async throws -> [Delivery] {
        var taken: [Delivery] = []
        while taken.count < count {
            let deliveries = try await self.next(upTo: count - taken.count)
            try #require(!deliveries.isEmpty)
            taken += deliveries
        }
        return taken
    }
}

extension [Delivery] {
    var bodies: [UInt8] { self.flatMap { $0.body ?? [] } }
}
