internal import CRDKafka
public import MessageBus
public import ServiceKit

/// The log in an Apache Kafka cluster.
///
/// Every message is stored by all replicas in sync before its publisher goes on: ``Durability`` makes no difference. A
/// key's partition is the one that the embedded log has it in. Each follower and each member of a group has a connection
/// and a thread of its own.
public final class KafkaBus: PartitionOwningBus {
    let configuration: KafkaBusConfiguration
    let logger: Logger
    private let producer: KafkaProducer
    /// For topics that are compacted: what is to be done does not wait for what is only to be known, on a connection that
    /// has one request under way.
    private let stateProducer: KafkaProducer
    /// Asks for offsets: producers cannot.
    private let reader: KafkaConsumer
    private let calls: CallThreads
    private let state = Locked(State())

    private struct State: Sendable {
        /// By name of the caller.
        var partitions: [String: Int] = [:]
        var compacted: Set<String> = []
        /// What has been opened: closed along with the bus.
        var opened: [@Sendable () async -> Void] = []
        var isClosed = false
    }

    private init(
        configuration: KafkaBusConfiguration,
        logger: Logger,
        producer: KafkaProducer,
        stateProducer: KafkaProducer,
        reader: KafkaConsumer,
        calls: CallThreads
    ) {
        self.configuration = configuration
        self.logger = logger
        self.producer = producer
        self.stateProducer = stateProducer
        self.reader = reader
        self.calls = calls
    }

    /// Begins to connect; whether a broker answers shows in the first call.
    ///
    /// - Throws: ``BusError`` if a setting is wrong or the system has no thread.
    public static func open(configuration: KafkaBusConfiguration, logger: Logger) async throws(BusError) -> KafkaBus {
        let calls = try CallThreads(count: 4)
        let (producer, stateProducer) = (try KafkaProducer.open(configuration), try KafkaProducer.open(configuration))
        let reader = try KafkaConsumer(.consumer(configuration, group: "reader"))
        try reader.start(receive: { _ in })
        return KafkaBus(
            configuration: configuration,
            logger: logger,
            producer: producer,
            stateProducer: stateProducer,
            reader: reader,
            calls: calls
        )
    }

    /// The name in Kafka of a topic or group.
    func name(_ name: String) -> String { self.configuration.topicPrefix + name }

    /// Asks the brokers, on a thread of our own.
    private func ask<Answer: Sendable>(
        by handle: KafkaHandle,
        _ body: @escaping @Sendable (KafkaAdministration) throws(BusError) -> Answer
    ) async throws(BusError) -> Answer {
        let administration = KafkaAdministration(
            pointer: UncheckedBox(handle.pointer),
            configuration: self.configuration
        )
        do throws(BusError) {
            let answer = try await self.calls.run { () throws(BusError) in try body(administration) }
            handle.forgetProblem()
            return answer
        } catch {
            throw handle.explained(error)
        }
    }

    // MARK: Topics

    public func ensureTopics(_ topics: [TopicConfiguration]) async throws(BusError) {
        for topic in topics {
            guard topic.partitions > 0 else { throw BusError(.invalidMessage, "a topic has at least one partition") }
            try await self.ensure(topic)
        }
    }

    private func ensure(_ topic: TopicConfiguration) async throws(BusError) {
        if topic.isCompacted { self.state.withLock { _ = $0.compacted.insert(topic.name) } }
        let name = self.name(topic.name)
        let logger = self.logger
        let (count, isNew) = try await self.ask(by: self.producer.handle) {
            administration throws(BusError) -> (Int, Bool) in
            do throws(BusError) {
                return (try administration.partitionCount(of: name), false)
            } catch {
                guard error.code == .unknownTopic else { throw error }
            }
            try administration.create(topic, named: name)
            logger.info("Made a topic", metadata: ["topic": name])
            return (try administration.waitForTopic(name), true)
        }
        guard count == topic.partitions else {
            throw BusError(
                .partitionMismatch,
                "the topic \(name) has \(count) partitions, and shall have \(topic.partitions)"
            )
        }
        if isNew { return self.state.withLock { $0.partitions[topic.name] = count } }
        try await self.ask(by: self.producer.handle) { administration throws(BusError) in
            let deviations = try administration.deviations(topic, named: name)
            guard !deviations.isEmpty else { return }
            try administration.alter(topic, named: name)
            logger.notice(
                "Changed the settings of a topic",
                metadata: ["topic": name, "settings": deviations.joined(separator: " ")]
            )
        }
        self.state.withLock { $0.partitions[topic.name] = count }
    }

    /// Asked for once: a topic keeps its number of partitions.
    func partitionCount(of topic: String) async throws(BusError) -> Int {
        let (known, isClosed) = self.state.withLock { ($0.partitions[topic], $0.isClosed) }
        if isClosed { throw BusError(.closed, "the bus is closed") }
        if let known { return known }
        let name = self.name(topic)
        let count = try await self.ask(by: self.producer.handle) { administration throws(BusError) in
            try administration.partitionCount(of: name)
        }
        self.state.withLock { $0.partitions[topic] = count }
        return count
    }

    // MARK: Publishing

    public func publish(_ messages: [OutgoingMessage], durability: Durability) async throws(BusError) {
        var (checked, states): ([KafkaProducer.Order], [KafkaProducer.Order]) = ([], [])
        let compacted = self.state.withLock { $0.compacted }
        for message in messages {
            let count = try await self.partitionCount(of: message.topic)
            let partition = message.partition ?? Partitioner.partition(of: message.key, count: count)
            guard (0..<count).contains(partition) else {
                throw BusError(.invalidMessage, "the topic \(message.topic) has no partition \(partition)")
            }
            // What the envelope of a batch takes comes on top.
            guard message.key.utf8.count + (message.body?.count ?? 0) + 1024 <= self.configuration.maxMessageBytes
            else {
                throw BusError(.invalidMessage, "a message to \(message.topic) is too large")
            }
            let order = KafkaProducer.Order(message: message, topic: self.name(message.topic), partition: partition)
            if compacted.contains(message.topic) { states.append(order) } else { checked.append(order) }
        }
        let (publication, statePublication) = (
            await self.producer.begin(checked), await self.stateProducer.begin(states)
        )
        // Whoever hears of a failure may publish again: nothing of this call is under way then.
        let outcomes = (await self.producer.end(publication), await self.stateProducer.end(statePublication))
        try outcomes.0.get()
        try outcomes.1.get()
    }

    // MARK: Consuming

    public func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription {
        _ = try await self.partitionCount(of: topic)
        let subscription = try KafkaSubscription(
            self.configuration,
            topic: topic,
            named: self.name(topic),
            group: self.name(group),
            calls: self.calls
        )
        self.note { await subscription.close() }
        await subscription.waitUntilJoined()
        return subscription
    }

    /// Remembers what is to be closed along with the bus.
    private func note(_ close: @escaping @Sendable () async -> Void) {
        self.state.withLock { $0.opened.append(close) }
    }

    public func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower {
        let count = try await self.partitionCount(of: topic)
        return try await self.follow(topic, only: Array(0..<count), from: offsets)
    }

    public func follow(
        _ topic: String,
        only partitions: [Int],
        from offsets: [Int: Int64]
    ) async throws(BusError) -> any MessageFollower {
        let ends = try await self.endOffsets(of: topic)
        var positions: [Int: Int64] = [:]
        for partition in partitions where ends.indices.contains(partition) {
            let offset = offsets[partition] ?? 0
            guard offset <= ends[partition] else {
                throw BusError(
                    .offsetOutOfRange,
                    "partition \(partition) of \(topic) ends at \(ends[partition]), before \(offset)"
                )
            }
            positions[partition] = offset
        }
        let follower = try KafkaFollower(
            self.configuration,
            topic: topic,
            named: self.name(topic),
            positions: positions,
            ends: ends
        )
        self.note { [weak follower] in await follower?.close() }
        return follower
    }

    public func own(_ topics: [String], group: String, member: String) async throws(BusError) -> any PartitionOwnership
    {
        var counts: Set<Int> = []
        for topic in topics { counts.insert(try await self.partitionCount(of: topic)) }
        guard counts.count == 1 else {
            throw BusError(.partitionMismatch, "topics that are owned together have the same number of partitions")
        }
        let ownership = try KafkaOwnership(
            self.configuration,
            topics: Dictionary(uniqueKeysWithValues: topics.map { ($0, self.name($0)) }),
            leading: self.name(topics[0]),
            group: self.name(group),
            member: member,
            logger: self.logger
        )
        self.note { await ownership.close() }
        return ownership
    }

    // MARK: Counting

    public func endOffsets(of topic: String) async throws(BusError) -> [Int64] {
        let count = try await self.partitionCount(of: topic)
        let name = self.name(topic)
        return try await self.ask(by: self.reader.handle) { administration throws(BusError) in
            try administration.ends(of: name, count: count)
        }
    }

    public func lag(of group: String, on topic: String) async throws(BusError) -> [Int64] {
        let count = try await self.partitionCount(of: topic)
        let ends = try await self.endOffsets(of: topic)
        let (name, groupName, configuration) = (self.name(topic), self.name(group), self.configuration)
        return try await self.calls.run { () throws(BusError) in
            // A client of the group that never joins it.
            let handle = try KafkaHandle(RD_KAFKA_CONSUMER, .consumer(configuration, group: groupName))
            defer { handle.destroy() }
            let administration = KafkaAdministration(
                pointer: UncheckedBox(handle.pointer),
                configuration: configuration
            )
            let committed = try administration.committed(of: name, count: count)
            let starts = try administration.starts(of: name, count: count)
            return (0..<count).map { max(0, ends[$0] - max(committed[$0] ?? 0, starts[$0])) }
        }
    }

    /// Returns when what was given to it is stored, or cannot be, and every thread of its own has ended: also those of its
    /// followers and members. May be called again.
    public func close() async {
        let opened: [@Sendable () async -> Void]? = self.state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            defer { state.opened = [] }
            return state.opened
        }
        guard let opened else { return }
        for close in opened { await close() }
        await self.calls.close()
        await self.producer.close()
        await self.stateProducer.close()
        await self.reader.close()
    }
}
