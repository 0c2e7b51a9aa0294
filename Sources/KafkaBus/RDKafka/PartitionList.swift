internal import CRDKafka

/// Owns a list of partitions of librdkafka. For one thread at a time.
struct PartitionList: ~Copyable {
    struct Entry: Sendable, Hashable {
        var topic: String
        var partition: Int
        /// A first offset, a position or an answer.
        var offset: Int64 = 0
    }

    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ entries: [Entry]) {
        self.pointer = rd_kafka_topic_partition_list_new(Int32(entries.count))
        for entry in entries {
            let added = rd_kafka_topic_partition_list_add(self.pointer, entry.topic, Int32(entry.partition))
            added?.pointee.offset = entry.offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(self.pointer) }

    var entries: [Entry] { Self.entries(of: self.pointer) }

    /// The first error of a partition, if there is one.
    var error: rd_kafka_resp_err_t? {
        for index in 0..<Int(self.pointer.pointee.cnt) {
            let error = self.pointer.pointee.elems[index].err
            if error != RD_KAFKA_RESP_ERR_NO_ERROR { return error }
        }
        return nil
    }

    static func entries(of pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [Entry] {
        (0..<Int(pointer.pointee.cnt)).map { index in
            let element = pointer.pointee.elems[index]
            return Entry(
                topic: element.topic.map { String(cString: $0) } ?? "",
                partition: Int(element.partition),
                offset: element.offset
            )
        }
    }
}
