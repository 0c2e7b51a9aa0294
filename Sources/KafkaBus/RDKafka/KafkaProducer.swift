internal import CRDKafka
internal import MessageBus
internal import ServiceKit
internal import Synchronization

/// Stores messages: idempotent, acknowledged by all replicas in sync, each with its report.
final class KafkaProducer: Sendable {
    private struct State {
        var topics: [String: OpaquePointer] = [:]
        /// Publishers that wait for room in the client's queue.
        var waiting: [Signal] = []
        var isClosed = false
    }

    // Sound: handles of topics are thread-safe, and touched under the lock.
    private struct Locker: @unchecked Sendable { let state = Locked(UncheckedBox(State())) }

    let handle: KafkaHandle
    private let locker: Locker
    private let ended = Signal()

    private init(handle: KafkaHandle, locker: Locker) {
        self.handle = handle
        self.locker = locker
    }

    static func open(_ configuration: KafkaBusConfiguration) throws(BusError) -> KafkaProducer {
        let locker = Locker()
        let callbacks = KafkaHandle.Callbacks(delivery: { _, message, _ in
            guard let message, let opaque = message.pointee._private else { return }
            Unmanaged<Publication>.fromOpaque(opaque).takeRetainedValue().reported(message.pointee.err)
        })
        let handle = try KafkaHandle(RD_KAFKA_PRODUCER, .producer(configuration), callbacks: callbacks)
        let producer = KafkaProducer(handle: handle, locker: locker)
        do {
            try DedicatedThread.start(name: "kafka-producer") { producer.run() }
        } catch {
            throw BusError(.unavailable, "no thread for the Kafka producer", cause: error)
        }
        return producer
    }

    /// A message on its way to a topic of Kafka's name.
    struct Order: Sendable {
        var message: OutgoingMessage
        var topic: String
        var partition: Int
    }

    /// Hands messages over, in order. ``end(_:)`` tells how it went. `nil` for none.
    func begin(_ orders: [Order]) async -> Publication? {
        if orders.isEmpty { return nil }
        let publication = Publication(count: orders.count)
        for (index, order) in orders.enumerated() {
            do throws(BusError) {
                try await self.enqueue(order.message, order.topic, order.partition, publication)
            } catch {
                // What is under way goes on; the rest is not sent.
                publication.abandon(orders.count - index, error)
                break
            }
        }
        return publication
    }

    /// Returns when every message is stored, or one is not: the first failure. Others of them may be stored.
    func end(_ publication: Publication?) async -> Result<Void, BusError> {
        guard let publication else { return .success(()) }
        let outcome = await publication.value()
        if case .success = outcome { self.handle.forgetProblem() }
        return outcome.mapError { self.handle.explained($0) }
    }

    private func enqueue(
        _ message: OutgoingMessage,
        _ topic: String,
        _ partition: Int,
        _ publication: Publication
    ) async throws(BusError) {
        while true {
            guard let room = try self.produce(message, topic, partition, publication) else { return }
            do { try await room.wait() } catch { throw BusError(.unavailable, "the publisher gave up waiting") }
        }
    }

    /// - Returns: `nil` if the client has taken the message, else what to wait for.
    private func produce(
        _ message: OutgoingMessage,
        _ topic: String,
        _ partition: Int,
        _ publication: Publication
    ) throws(BusError) -> Signal? {
        let outcome: Result<Signal?, BusError> = self.locker.state.withLock { box in
            guard !box.value.isClosed else { return .failure(BusError(.closed, "the bus is closed")) }
            let handle: OpaquePointer
            if let known = box.value.topics[topic] {
                handle = known
            } else {
                guard let made = rd_kafka_topic_new(self.handle.pointer, topic, nil) else {
                    return .failure(BusError(rd_kafka_last_error(), "the topic \(topic)"))
                }
                box.value.topics[topic] = made
                handle = made
            }
            let error = Self.produce(message, handle, partition, publication)
            if error == RD_KAFKA_RESP_ERR_NO_ERROR { return .success(nil) }
            guard error == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                return .failure(BusError(error, "a message to \(topic)"))
            }
            let room = Signal()
            box.value.waiting.append(room)
            return .success(room)
        }
        return try outcome.get()
    }

    private static func produce(
        _ message: OutgoingMessage,
        _ topic: OpaquePointer,
        _ partition: Int,
        _ publication: Publication
    ) -> rd_kafka_resp_err_t {
        let opaque = Unmanaged.passRetained(publication).toOpaque()
        var key = message.key
        let result = key.withUTF8 { key in
            (message.body ?? []).withUnsafeBytes { body in
                // A body of no bytes is not a tombstone: that is no body at all.
                var none: UInt8 = 0
                return withUnsafeMutablePointer(to: &none) { empty in
                    rd_kafka_produce(
                        topic,
                        Int32(partition),
                        RD_KAFKA_MSG_F_COPY,
                        message.body == nil
                            ? nil
                            : UnsafeMutableRawPointer(mutating: body.baseAddress) ?? UnsafeMutableRawPointer(empty),
                        body.count,
                        key.baseAddress,
                        key.count,
                        opaque
                    )
                }
            }
        }
        guard result != 0 else { return RD_KAFKA_RESP_ERR_NO_ERROR }
        let error = rd_kafka_last_error()
        Unmanaged<Publication>.fromOpaque(opaque).release()
        return error
    }

    // MARK: The polling thread

    private func run() {
        while !self.locker.state.withLock({ $0.value.isClosed }) {
            // Wakes for each report, and now and then to see whether it is closed.
            if rd_kafka_poll(self.handle.pointer, 500) > 0 { self.wakeWaiting() }
        }
        // What is under way gets its report; what cannot be stored is told so.
        rd_kafka_flush(self.handle.pointer, 5000)
        rd_kafka_purge(self.handle.pointer, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
        rd_kafka_flush(self.handle.pointer, 1000)
        self.wakeWaiting()
        let topics = self.locker.state.withLock { box in
            defer { box.value.topics = [:] }
            return UncheckedBox(Array(box.value.topics.values))
        }
        for topic in topics.value { rd_kafka_topic_destroy(topic) }
        self.handle.destroy()
        self.ended.fire()
    }

    private func wakeWaiting() {
        let waiting = self.locker.state.withLock { box in
            defer { box.value.waiting = [] }
            return box.value.waiting
        }
        for signal in waiting { signal.fire() }
    }

    func close() async {
        self.locker.state.withLock { $0.value.isClosed = true }
        // Nothing but cancellation is thrown; the thread ends by itself.
        do { try await self.ended.wait() } catch { return }
    }
}

/// Lets what is touched under a lock only be put into one.
struct UncheckedBox<Value>: @unchecked Sendable {
    // Sound where it is used: within a lock, or handed over whole.
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// Messages that were published together, until the last report.
final class Publication: Sendable {
    private struct State: Sendable {
        var remaining: Int
        var failure: BusError?
        var waiter: CheckedContinuation<Result<Void, BusError>, Never>?
    }

    private let state: Locked<State>

    init(count: Int) { self.state = Locked(State(remaining: count)) }

    func reported(_ error: rd_kafka_resp_err_t) {
        let failure = error == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : BusError(error, "a message was not stored")
        self.settle(1, failure)
    }

    /// Messages that were never given to the client.
    func abandon(_ count: Int, _ error: BusError) { self.settle(count, error) }

    private func settle(_ count: Int, _ failure: BusError?) {
        let resumption = self.state.withLock {
            state -> (CheckedContinuation<Result<Void, BusError>, Never>, BusError?)? in
            state.remaining -= count
            state.failure = state.failure ?? failure
            guard state.remaining == 0, let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, state.failure)
        }
        guard let (waiter, failure) = resumption else { return }
        waiter.resume(returning: failure.map { .failure($0) } ?? .success(()))
    }

    /// How it ended. Cancellation does not withdraw what is under way.
    func value() async -> Result<Void, BusError> {
        await withCheckedContinuation { continuation in
            let outcome: Result<Void, BusError>? = self.state.withLock { state in
                guard state.remaining > 0 else { return state.failure.map { .failure($0) } ?? .success(()) }
                state.waiter = continuation
                return nil
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
