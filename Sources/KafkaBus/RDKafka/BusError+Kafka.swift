internal import CRDKafka
internal import MessageBus

extension BusError {
    /// What an error of librdkafka means to a caller.
    init(_ error: rd_kafka_resp_err_t, _ what: String, fileID: StaticString = #fileID, line: UInt = #line) {
        let code: Code =
            switch error {
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: .unknownTopic
            case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD:
                .invalidMessage
            case RD_KAFKA_RESP_ERR__DESTROY: .closed
            case RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
                RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
                RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
                RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
                RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
                .storage
            // Brokers that are gone, elections, time-outs: all of it may pass.
            default: .unavailable
            }
        let text = rd_kafka_err2str(error).map { String(cString: $0) } ?? "error \(error.rawValue)"
        self.init(code, "\(what): \(text)", fileID: fileID, line: line)
    }
}
