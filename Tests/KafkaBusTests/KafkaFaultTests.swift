import CRDKafka
import KafkaBus
import MessageBus
import Testing

/// Brokers that answer with errors, slowly, or not at all.
@Suite struct KafkaFaultTests {
    /// What a broker or the way to it may say once in a while, and what passes.
    enum Fault: CaseIterable {
        case notLeader
        case leaderUnavailable
        case timedOut
        case tooFewReplicas
        case lostConnection
        case lostConnectionTwiceAndNotLeader

        var errors: [rd_kafka_resp_err_t] {
            switch self {
            case .notLeader: Array(repeating: RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, count: 3)
            case .leaderUnavailable: Array(repeating: RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, count: 3)
            case .timedOut: [RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT]
            case .tooFewReplicas: Array(repeating: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, count: 2)
            case .lostConnection: [RD_KAFKA_RESP_ERR__TRANSPORT]
            case .lostConnectionTwiceAndNotLeader:
                [
                    RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TRANSPORT,
                    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                ]
            }
        }
    }

    private static let count = 60

    private static func messages(_ bodies: Range<Int>) -> [OutgoingMessage] {
        bodies.map { OutgoingMessage(topic: "t", key: "k", partition: $0 % 3, body: [UInt8($0)]) }
    }

    /// Everything published is in the log once, in the order of its partition; and that is all there is.
    private static func expectAll(_ bus: KafkaBus, _ follower: any MessageFollower, _ count: Int) async throws {
        var bodies: [Int: [UInt8]] = [:]
        var taken = 0
        while taken < count {
            let deliveries = try await follower.next(upTo: count)
            try #require(!deliveries.isEmpty)
            for delivery in deliveries { bodies[delivery.partition, default: []] += delivery.body ?? [] }
            taken += deliveries.count
        }
        for partition in 0..<3 {
            #expect(bodies[partition] == (0..<count).filter { $0 % 3 == partition }.map { UInt8($0) })
        }
        #expect(try await bus.endOffsets(of: "t").reduce(0, +) == Int64(count))
    }

    @Test(.timeLimit(.minutes(10)), arguments: Fault.allCases)
    func whatIsPublishedIsStoredOnceAndInOrderDespite(_ fault: Fault) async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3])
        try await bus.publish(Self.messages(0..<3), durability: .flushed)
        cluster.fail(.produce, fault.errors)
        try await bus.publish(Self.messages(3..<Self.count), durability: .flushed)
        let follower = try await bus.follow("t", from: [:])
        try await Self.expectAll(bus, follower, Self.count)
        await follower.close()
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10)), arguments: Fault.allCases)
    func aFollowerMissesNothingAndSeesNothingTwiceDespite(_ fault: Fault) async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3])
        let follower = try await bus.follow("t", from: [:])
        try await bus.publish(Self.messages(0..<30), durability: .flushed)
        cluster.fail(.fetch, fault.errors)
        try await bus.publish(Self.messages(30..<Self.count), durability: .flushed)
        try await Self.expectAll(bus, follower, Self.count)
        await follower.close()
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func whatIsPublishedWhileTheBrokerIsAwayIsStoredWhenItIsBack() async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3])
        try await bus.publish(Self.messages(0..<30), durability: .flushed)
        let follower = try await bus.follow("t", from: [:])
        cluster.setDown()
        async let publishing: Void = bus.publish(Self.messages(30..<Self.count), durability: .flushed)
        cluster.setUp()
        try await publishing
        try await Self.expectAll(bus, follower, Self.count)
        await follower.close()
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func aPublisherIsToldWhenTheBrokerStaysAway() async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3], messageTimeout: .seconds(5))
        try await bus.publish(Self.messages(0..<3), durability: .flushed)
        cluster.setDown()
        let error = await #expect(throws: BusError.self) {
            try await bus.publish(Self.messages(3..<6), durability: .flushed)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetriable == true)
        // The bus goes on as soon as the broker does.
        cluster.setUp()
        while true {
            do throws(BusError) {
                try await bus.publish(Self.messages(6..<9), durability: .flushed)
                break
            } catch {
                // A second may pass before it connects again: as long as a message is given here.
                guard error.isRetriable else { throw error }
            }
        }
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func aRefusalThatDoesNotPassIsTold() async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3])
        try await bus.publish(Self.messages(0..<3), durability: .flushed)
        cluster.fail(.produce, [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
        let error = await #expect(throws: BusError.self) {
            try await bus.publish([OutgoingMessage(topic: "t", key: "k", body: [1])], durability: .flushed)
        }
        #expect(error?.isRetriable == false)
        #expect(error?.message.contains("authorization") == true, "\(String(describing: error))")
        await bus.close()
    }

    @Test(.timeLimit(.minutes(10))) func aLeaderThatMovesTakesEverythingAlong() async throws {
        let cluster = try MockCluster(brokers: 3)
        let bus = try await cluster.bus(["t": 3])
        let follower = try await bus.follow("t", from: [:])
        for round in 0..<6 {
            let leader = Int32(round % 3 + 1)
            for partition in 0..<3 { cluster.setLeader(of: "t", Int32(partition), leader) }
            try await bus.publish(Self.messages(round * 10..<round * 10 + 10), durability: .flushed)
        }
        try await Self.expectAll(bus, follower, Self.count)
        await follower.close()
        await bus.close()
    }

    /// Requests that take their time carry more: so many round trips one after the other would take minutes.
    @Test(.timeLimit(.minutes(10))) func slowRoundTripsAreShared() async throws {
        let cluster = try MockCluster()
        let bus = try await cluster.bus(["t": 3])
        try await bus.publish(Self.messages(0..<3), durability: .flushed)
        cluster.setRoundTrip(1000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 3..<250 {
                let message = OutgoingMessage(topic: "t", key: "k", partition: number % 3, body: [UInt8(number)])
                group.addTask { try await bus.publish([message], durability: .flushed) }
            }
            try await group.waitForAll()
        }
        #expect(try await bus.endOffsets(of: "t").reduce(0, +) == 250)
        await bus.close()
    }
}
