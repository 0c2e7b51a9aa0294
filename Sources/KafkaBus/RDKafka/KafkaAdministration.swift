internal import CRDKafka
internal import Glibc
internal import MessageBus
internal import ServiceKit

/// What is asked of a cluster about its topics. All of it blocks: for ``CallThreads``.
struct KafkaAdministration: Sendable {
    let pointer: UncheckedBox<OpaquePointer>
    let configuration: KafkaBusConfiguration

    static let timeoutMilliseconds: Int32 = 10_000

    /// The number of a topic's partitions.
    ///
    /// - Throws: ``BusError``, `unknownTopic`.
    func partitionCount(of topic: String) throws(BusError) -> Int {
        guard let reference = rd_kafka_topic_new(self.pointer.value, topic, nil) else {
            throw BusError(rd_kafka_last_error(), "the topic \(topic)")
        }
        defer { rd_kafka_topic_destroy(reference) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(self.pointer.value, 0, reference, &metadata, Self.timeoutMilliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw BusError(error, "the topic \(topic)") }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt > 0, let found = metadata.pointee.topics?.pointee else {
            throw BusError(.unknownTopic, "no topic \(topic)")
        }
        guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw BusError(found.err, "the topic \(topic)") }
        return Int(found.partition_cnt)
    }

    /// The next offset of each partition.
    func ends(of topic: String, count: Int) throws(BusError) -> [Int64] {
        try self.offsets(of: topic, count: count, at: Int64(RD_KAFKA_OFFSET_END))
    }

    /// The oldest offset of each partition.
    func starts(of topic: String, count: Int) throws(BusError) -> [Int64] {
        try self.offsets(of: topic, count: count, at: Int64(RD_KAFKA_OFFSET_BEGINNING))
    }

    /// Asks again while leaders are being elected, as after a start of the brokers, or have moved, and while the partitions,
    /// which are there, are not known everywhere: that passes in a moment.
    private func offsets(of topic: String, count: Int, at time: Int64) throws(BusError) -> [Int64] {
        let deadline = ContinuousClock.now + .milliseconds(Int(Self.timeoutMilliseconds))
        while true {
            let (offsets, error) = self.ask(topic, count, at: time)
            switch error {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return offsets
            case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
                // Of a topic that was just made, not every broker knows, nor what this client remembers.
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
                guard ContinuousClock.now < deadline else { throw BusError(error, "the offsets of \(topic)") }
                usleep(50_000)
                // Who leads is remembered for minutes by a client that neither reads nor writes the topic.
                _ = try self.partitionCount(of: topic)
            default: throw BusError(error, "the offsets of \(topic)")
            }
        }
    }

    /// One request to each leader: the special times mean the ends of a log.
    private func ask(_ topic: String, _ count: Int, at time: Int64) -> ([Int64], rd_kafka_resp_err_t) {
        let list = PartitionList((0..<count).map { PartitionList.Entry(topic: topic, partition: $0, offset: time) })
        let error = rd_kafka_offsets_for_times(self.pointer.value, list.pointer, Self.timeoutMilliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return ([], error) }
        if let error = list.error { return ([], error) }
        let offsets = list.entries.sorted { $0.partition < $1.partition }.map(\.offset)
        // A leader that does not know yet says nothing.
        return offsets.contains { $0 < 0 } ? ([], RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) : (offsets, error)
    }

    /// What the group of this handle has passed; `nil` where it has passed nothing.
    func committed(of topic: String, count: Int) throws(BusError) -> [Int64?] {
        let list = PartitionList((0..<count).map { PartitionList.Entry(topic: topic, partition: $0) })
        let error = rd_kafka_committed(self.pointer.value, list.pointer, Self.timeoutMilliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw BusError(error, "the progress on \(topic)") }
        return list.entries.sorted { $0.partition < $1.partition }.map { $0.offset < 0 ? nil : $0.offset }
    }

    // MARK: Topics

    /// Makes a topic. One that is there already is no error. Brokers that have just started do not count at once, and are too
    /// few for its replicas: they get a minute.
    func create(_ topic: TopicConfiguration, named name: String) throws(BusError) {
        let deadline = ContinuousClock.now + .seconds(60)
        while let tooFew = try self.createUnlessTooFew(topic, named: name) {
            guard ContinuousClock.now < deadline else { throw tooFew }
            usleep(200_000)
        }
    }

    /// - Returns: What the broker says if there are too few of them.
    private func createUnlessTooFew(_ topic: TopicConfiguration, named name: String) throws(BusError) -> BusError? {
        var tooFew: BusError?
        var message = [CChar](repeating: 0, count: 512)
        guard
            let wanted = rd_kafka_NewTopic_new(
                name,
                Int32(topic.partitions),
                Int32(self.configuration.replicationFactor),
                &message,
                message.count
            )
        else { throw BusError(.invalidMessage, "the topic \(name): \(KafkaHandle.text(message))") }
        defer { rd_kafka_NewTopic_destroy(wanted) }
        for (key, value) in self.settings(of: topic) { rd_kafka_NewTopic_set_config(wanted, key, value) }
        try self.perform("making the topic \(name)", RD_KAFKA_ADMIN_OP_CREATETOPICS) { options, queue in
            var list: OpaquePointer? = wanted
            rd_kafka_CreateTopics(self.pointer.value, &list, 1, options, queue)
        } check: { event throws(BusError) in
            var count = 0
            guard let result = rd_kafka_event_CreateTopics_result(event),
                let topics = rd_kafka_CreateTopics_result_topics(result, &count)
            else { return }
            for index in 0..<count {
                let error = rd_kafka_topic_result_error(topics[index])
                guard error != RD_KAFKA_RESP_ERR_NO_ERROR, error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS else {
                    continue
                }
                let text = rd_kafka_topic_result_error_string(topics[index]).map { String(cString: $0) } ?? ""
                var failure = BusError(error, "making the topic \(name)")
                failure.message += " \(text)"
                guard error == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR else { throw failure }
                tooFew = failure
            }
        }
        return tooFew
    }

    /// Returns the number of partitions of a topic that was just made, when the brokers know of it.
    func waitForTopic(_ name: String) throws(BusError) -> Int {
        // Made it is; a busy broker may take its time to hear of it.
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do throws(BusError) {
                return try self.partitionCount(of: name)
            } catch {
                guard error.code == .unknownTopic || error.isRetriable, ContinuousClock.now < deadline else {
                    throw error
                }
            }
            usleep(20_000)
        }
    }

    /// Brings a topic that is there to its retention and compaction.
    func alter(_ topic: TopicConfiguration, named name: String) throws(BusError) {
        guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name) else {
            throw BusError(.storage, "no memory for the settings of \(name)")
        }
        defer { rd_kafka_ConfigResource_destroy(resource) }
        for (key, value) in self.settings(of: topic) { rd_kafka_ConfigResource_set_config(resource, key, value) }
        try self.perform("the settings of \(name)", RD_KAFKA_ADMIN_OP_ALTERCONFIGS) { options, queue in
            var list: OpaquePointer? = resource
            rd_kafka_AlterConfigs(self.pointer.value, &list, 1, options, queue)
        } check: { event throws(BusError) in
            var count = 0
            guard let result = rd_kafka_event_AlterConfigs_result(event),
                let resources = rd_kafka_AlterConfigs_result_resources(result, &count)
            else { return }
            for index in 0..<count {
                let error = rd_kafka_ConfigResource_error(resources[index])
                if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw BusError(error, "the settings of \(name)") }
            }
        }
    }

    /// What of a topic's settings is not as it shall be.
    func deviations(_ topic: TopicConfiguration, named name: String) throws(BusError) -> [String] {
        guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name) else {
            throw BusError(.storage, "no memory for the settings of \(name)")
        }
        defer { rd_kafka_ConfigResource_destroy(resource) }
        var found: [String: String] = [:]
        try self.perform("the settings of \(name)", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) { options, queue in
            var list: OpaquePointer? = resource
            rd_kafka_DescribeConfigs(self.pointer.value, &list, 1, options, queue)
        } check: { event throws(BusError) in
            var count = 0
            guard let result = rd_kafka_event_DescribeConfigs_result(event),
                let resources = rd_kafka_DescribeConfigs_result_resources(result, &count)
            else { return }
            for index in 0..<count {
                let error = rd_kafka_ConfigResource_error(resources[index])
                if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw BusError(error, "the settings of \(name)") }
                var entries = 0
                guard let list = rd_kafka_ConfigResource_configs(resources[index], &entries) else { continue }
                for entry in 0..<entries {
                    guard let key = rd_kafka_ConfigEntry_name(list[entry]) else { continue }
                    let value = rd_kafka_ConfigEntry_value(list[entry]).map { String(cString: $0) }
                    found[String(cString: key)] = value
                }
            }
        }
        return self.settings(of: topic).filter { found[$0.key] != $0.value }.map(\.key).sorted()
    }

    /// A topic's settings in Kafka's names.
    func settings(of topic: TopicConfiguration) -> [String: String] {
        func milliseconds(_ duration: Duration) -> String { "\(Int64(duration / .milliseconds(1)))" }
        var settings = [
            "cleanup.policy": !topic.isCompacted ? "delete" : topic.retention == nil ? "compact" : "compact,delete",
            "retention.ms": topic.retention.map(milliseconds) ?? "-1",
            "delete.retention.ms": milliseconds(topic.tombstoneGrace),
            "max.message.bytes": "\(self.configuration.maxMessageBytes)",
            // One replica may be away and writes go on; what is confirmed is on all that are in sync, two at least.
            "min.insync.replicas": self.configuration.replicationFactor > 2 ? "2" : "1",
            "unclean.leader.election.enable": "false",
        ]
        // A log of one's own for each day: what is over can go.
        if topic.isCompacted { settings["min.compaction.lag.ms"] = "60000" }
        return settings
    }

    private func perform(
        _ what: String,
        _ operation: rd_kafka_admin_op_t,
        _ start: (OpaquePointer?, OpaquePointer) -> Void,
        check: (OpaquePointer) throws(BusError) -> Void
    ) throws(BusError) {
        guard let queue = rd_kafka_queue_new(self.pointer.value) else { throw BusError(.storage, "no memory") }
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(self.pointer.value, operation)
        defer { rd_kafka_AdminOptions_destroy(options) }
        start(options, queue)
        // The client has a time-out of its own, and tells of it by an event.
        guard let event = rd_kafka_queue_poll(queue, 120_000) else {
            throw BusError(.unavailable, "\(what): no answer")
        }
        defer { rd_kafka_event_destroy(event) }
        let error = rd_kafka_event_error(event)
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw BusError(error, what) }
        try check(event)
    }
}
