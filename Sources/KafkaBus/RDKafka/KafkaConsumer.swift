internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// A consumer of librdkafka and the thread that polls it.
final class KafkaConsumer: Sendable {
    /// What polling finds.
    enum Found: Sendable {
        case message(Delivery)
        /// Everything before `offset` has been found.
        case end(topic: String, partition: Int, offset: Int64)
        case failure(BusError)
    }

    let handle: KafkaHandle
    private let queue: UncheckedBox<OpaquePointer>
    private let isClosing = Locked(false)
    private let ended = Signal()

    /// - Parameter callbacks: Called on the polling thread.
    init(
        _ settings: ClientSettings,
        callbacks: KafkaHandle.Callbacks = KafkaHandle.Callbacks()
    ) throws(BusError) {
        self.handle = try KafkaHandle(RD_KAFKA_CONSUMER, settings, callbacks: callbacks)
        guard let queue = rd_kafka_queue_get_consumer(self.handle.pointer) else {
            self.handle.destroy()
            throw BusError(.storage, "no queue for the Kafka consumer")
        }
        self.queue = UncheckedBox(queue)
    }

    var pointer: OpaquePointer { self.handle.pointer }

    /// - Parameters:
    ///   - receive: Given what is found, on the polling thread; may block it.
    ///   - tick: Called on the polling thread, each second at least.
    /// - Throws: ``BusError`` when the system has no thread; the consumer is gone then.
    func start(
        receive: @escaping @Sendable ([Found]) -> Void,
        tick: @escaping @Sendable () -> Void = {}
    ) throws(BusError) {
        do {
            try DedicatedThread.start(name: "kafka-consumer") { [self] in self.run(receive, tick) }
        } catch {
            rd_kafka_queue_destroy(self.queue.value)
            self.handle.destroy()
            throw BusError(.unavailable, "no thread for the Kafka consumer", cause: error)
        }
    }

    private func run(_ receive: @Sendable ([Found]) -> Void, _ tick: @Sendable () -> Void) {
        while !self.isClosing.withLock({ $0 }) {
            var found: [Found] = []
            // The first is waited for, and what is there already comes along.
            var message = rd_kafka_consumer_poll(self.handle.pointer, 1000)
            while let current = message {
                if let one = self.found(current) { found.append(one) }
                rd_kafka_message_destroy(current)
                message = found.count < 1000 ? rd_kafka_consumer_poll(self.handle.pointer, 0) : nil
            }
            if !found.isEmpty { receive(found) }
            tick()
        }
        rd_kafka_consumer_close(self.handle.pointer)
        rd_kafka_queue_destroy(self.queue.value)
        self.handle.destroy()
        self.ended.fire()
    }

    /// Wakes the polling thread.
    func wake() { rd_kafka_queue_yield(self.queue.value) }

    /// Ends the thread, and returns when the client is gone.
    func close() async {
        let isFirst = self.isClosing.withLock { isClosing in
            defer { isClosing = true }
            return !isClosing
        }
        if isFirst { self.wake() }
        // Nothing but cancellation is thrown; the thread ends by itself.
        do { try await self.ended.wait() } catch { return }
    }

    private func found(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) -> Found? {
        let message = pointer.pointee
        let topic = message.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
        switch message.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: break
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return .end(topic: topic, partition: Int(message.partition), offset: message.offset)
        default:
            let error = self.handle.fatalError ?? BusError(message.err, "reading \(topic)")
            // What passes is tried again by the client itself.
            return error.isRetriable ? nil : .failure(error)
        }
        var isCreated = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        // By the pointer: the library keeps the time beside the message.
        let timestamp = rd_kafka_message_timestamp(pointer, &isCreated)
        let key = UnsafeRawBufferPointer(start: message.key, count: message.key_len)
        return .message(
            Delivery(
                topic: topic,
                partition: Int(message.partition),
                offset: message.offset,
                timestamp: max(0, timestamp),
                key: String(decoding: key, as: UTF8.self),
                body: message.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: message.len)) }
            )
        )
    }
}
