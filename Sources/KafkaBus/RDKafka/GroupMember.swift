internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// A member of a consumer group whose partitions come and go one by one.
///
/// What is to happen with partitions that are taken away is decided by its owner, who may take its time for it.
final class GroupMember: Sendable {
    typealias Entry = PartitionList.Entry

    /// What the group does with the member; called on the polling thread.
    struct Handlers: Sendable {
        /// They are ours. Returns them with the offsets at which to begin; they are assigned after that.
        var assigned: @Sendable ([Entry]) -> [Entry]
        /// Others want them. Returns whether they go at once; else they go once ``GroupMember/release(_:)`` is called.
        var revoked: @Sendable ([Entry]) -> Bool
        /// They are others' already, or the member leaves.
        var lost: @Sendable ([Entry]) -> Void
        /// Whether what is assigned is fetched too, or only counts as the member's.
        var reads = true
    }

    /// What the callback of librdkafka is lent.
    private final class Context: Sendable {
        let handlers: Handlers
        let isLeaving = Locked(false)
        init(_ handlers: Handlers) { self.handlers = handlers }
    }

    let consumer: KafkaConsumer
    private let context: Context

    /// - Parameters:
    ///   - receive: As of ``KafkaConsumer/start(receive:tick:)``.
    init(
        _ settings: ClientSettings,
        topic: String,
        handlers: Handlers,
        receive: @escaping @Sendable ([KafkaConsumer.Found]) -> Void,
        tick: @escaping @Sendable (OpaquePointer) -> Void
    ) throws(BusError) {
        let context = Context(handlers)
        self.context = context
        self.consumer = try KafkaConsumer(
            settings,
            callbacks: KafkaHandle.Callbacks(
                context: context,
                rebalance: { client, error, list, opaque in
                    guard let client, let list, let opaque,
                        let context = KafkaHandle.Lent.from(opaque).context as? Context
                    else { return }
                    GroupMember.rebalance(client, error, list, context)
                }
            )
        )
        let pointer = UncheckedBox(self.consumer.pointer)
        let subscription = PartitionList([Entry(topic: topic, partition: -1)])
        let error = rd_kafka_subscribe(pointer.value, subscription.pointer)
        try self.consumer.start(receive: receive, tick: { tick(pointer.value) })
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { receive([.failure(BusError(error, "joining the group of \(topic)"))]) }
    }

    private static func rebalance(
        _ client: OpaquePointer,
        _ error: rd_kafka_resp_err_t,
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>,
        _ context: Context
    ) {
        let entries = PartitionList.entries(of: list)
        switch error {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            Self.assign(client, context.handlers.assigned(entries), reads: context.handlers.reads)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            if context.isLeaving.withLock({ $0 }) || rd_kafka_assignment_lost(client) != 0 {
                context.handlers.lost(entries)
                Self.unassign(client, entries)
            } else if context.handlers.revoked(entries) {
                Self.unassign(client, entries)
            }
        default:
            context.handlers.lost(entries)
            rd_kafka_assign(client, nil)
        }
    }

    private static func assign(_ client: OpaquePointer, _ entries: [Entry], reads: Bool) {
        let list = PartitionList(entries)
        if let error = rd_kafka_incremental_assign(client, list.pointer) { rd_kafka_error_destroy(error) }
        if !reads { rd_kafka_pause_partitions(client, list.pointer) }
    }

    private static func unassign(_ client: OpaquePointer, _ entries: [Entry]) {
        let list = PartitionList(entries)
        if let error = rd_kafka_incremental_unassign(client, list.pointer) { rd_kafka_error_destroy(error) }
    }

    /// Lets revoked partitions go; all of one revocation at once.
    func release(_ entries: [Entry]) { Self.unassign(self.consumer.pointer, entries) }

    /// Leaves the group, and returns when the client is gone.
    func close() async {
        self.context.isLeaving.withLock { $0 = true }
        await self.consumer.close()
    }
}
