internal import CRDKafka
internal import MessageBus
internal import ServiceKit

/// Owns one client of librdkafka.
final class KafkaHandle: @unchecked Sendable {
    // Sound: librdkafka's calls are thread-safe, and the pointer never changes.
    let pointer: OpaquePointer
    /// Lent to the callbacks as their opaque pointer.
    private let lent: Lent

    /// What callbacks need, held by the handle.
    final class Lent: Sendable {
        /// What those of the handle's owner need.
        let context: (any AnyObject & Sendable)?
        fileprivate let problem = Locked<(code: rd_kafka_resp_err_t, text: String)?>(nil)

        fileprivate init(_ context: (any AnyObject & Sendable)?) { self.context = context }

        static func from(_ opaque: UnsafeMutableRawPointer) -> Lent {
            Unmanaged<Lent>.fromOpaque(opaque).takeUnretainedValue()
        }
    }

    /// What librdkafka calls back into. Called on the thread that polls.
    struct Callbacks {
        /// See ``Lent/context``.
        var context: (any AnyObject & Sendable)?
        var delivery:
            (@convention(c) (OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?) -> Void)?
        var rebalance:
            (
                @convention(c) (
                    OpaquePointer?, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
                    UnsafeMutableRawPointer?
                ) -> Void
            )?
    }

    /// - Throws: ``BusError``, which no repetition helps against, with the setting that is wrong.
    init(
        _ type: rd_kafka_type_t,
        _ settings: ClientSettings,
        callbacks: Callbacks = Callbacks()
    ) throws(BusError) {
        let lent = Lent(callbacks.context)
        self.lent = lent
        guard let configuration = rd_kafka_conf_new() else { throw BusError(.storage, "no memory for a Kafka client") }
        var message = [CChar](repeating: 0, count: 512)
        for (name, value) in settings.values {
            guard rd_kafka_conf_set(configuration, name, value, &message, message.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw BusError(.invalidMessage, "Kafka setting \(name): \(Self.text(message))")
            }
        }
        // What it would print comes as errors to whoever is concerned.
        rd_kafka_conf_set_log_cb(configuration, nil)
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(lent).toOpaque())
        rd_kafka_conf_set_error_cb(configuration) { _, code, reason, opaque in
            guard let reason, let opaque else { return }
            KafkaHandle.note(rd_kafka_resp_err_t(code), String(cString: reason), Lent.from(opaque))
        }
        if let delivery = callbacks.delivery { rd_kafka_conf_set_dr_msg_cb(configuration, delivery) }
        if let rebalance = callbacks.rebalance { rd_kafka_conf_set_rebalance_cb(configuration, rebalance) }
        guard let pointer = rd_kafka_new(type, configuration, &message, message.count) else {
            rd_kafka_conf_destroy(configuration)
            throw BusError(.storage, "no Kafka client: \(Self.text(message))")
        }
        self.pointer = pointer
        if type == RD_KAFKA_CONSUMER { rd_kafka_poll_set_consumer(pointer) }
    }

    // MARK: Why nobody answers

    private static func note(_ code: rd_kafka_resp_err_t, _ text: String, _ lent: Lent) {
        lent.problem.withLock { problem in
            // That all brokers are gone is what one sees; what was told before says why.
            if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, problem != nil { return }
            problem = (code, text)
        }
    }

    /// The brokers have answered: what was wrong with the connections is over.
    func forgetProblem() { self.lent.problem.withLock { $0 = nil } }

    /// The error of a call that may have got no answer, with what is known of the reason. A refused password does not pass.
    func explained(_ error: BusError) -> BusError {
        guard error.isRetriable, let problem = self.lent.problem.withLock({ $0 }) else { return error }
        var error = error
        error.message += ": \(problem.text)"
        if BusError(problem.code, "").isRetriable == false { error.code = .storage }
        return error
    }

    /// What has ended the client for good; `nil` while it works.
    var fatalError: BusError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(self.pointer, &text, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        if code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID {
            return BusError(.storage, "another process joined under this member's name: each must have its own")
        }
        return BusError(.storage, "the Kafka client has ended: \(Self.text(text))")
    }

    /// Blocks until the client's threads have ended: on a thread of our own, once, and last.
    func destroy() { rd_kafka_destroy(self.pointer) }

    static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
