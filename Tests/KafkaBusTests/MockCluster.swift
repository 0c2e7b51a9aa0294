import CRDKafka
import KafkaBus
import ServiceKit

/// Brokers of librdkafka's own, in this process, that fail when they are told to. They keep a log as Kafka does, and know
/// no administration: topics are made here.
final class MockCluster: Sendable {
    enum Request: Int16 {
        case produce = 0
        case fetch = 1
        case metadata = 3
    }

    // Sound: calls on a mock cluster are thread-safe, and the pointers never change.
    private struct Pointers: @unchecked Sendable {
        let client: OpaquePointer
        let cluster: OpaquePointer
    }

    private let pointers: Pointers
    let bootstrapServers: String

    init(brokers: Int32 = 1) throws {
        var message = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &message, message.count),
            let cluster = rd_kafka_mock_cluster_new(client, brokers),
            let servers = rd_kafka_mock_cluster_bootstraps(cluster)
        else { throw Failure() }
        self.pointers = Pointers(client: client, cluster: cluster)
        self.bootstrapServers = String(cString: servers)
    }

    struct Failure: Error {}

    deinit {
        rd_kafka_mock_cluster_destroy(self.pointers.cluster)
        rd_kafka_destroy(self.pointers.client)
    }

    /// A bus with topics in the cluster, each by its number of partitions.
    func bus(_ topics: [String: Int32], messageTimeout: Duration = .seconds(30)) async throws -> KafkaBus {
        for (name, partitions) in topics {
            guard rd_kafka_mock_topic_create(self.pointers.cluster, name, partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR
            else { throw Failure() }
        }
        return try await KafkaBus.open(
            configuration: KafkaBusConfiguration(
                bootstrapServers: self.bootstrapServers,
                messageTimeout: messageTimeout
            ),
            logger: .disabled
        )
    }

    /// The next requests of this kind are answered with these errors, one each, and have no effect.
    func fail(_ request: Request, _ errors: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(self.pointers.cluster, request.rawValue, errors.count, errors)
    }

    func setDown(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_down(self.pointers.cluster, broker) }
    func setUp(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_up(self.pointers.cluster, broker) }

    /// How long a broker takes for each answer.
    func setRoundTrip(_ milliseconds: Int32, of broker: Int32 = 1) {
        rd_kafka_mock_broker_set_rtt(self.pointers.cluster, broker, milliseconds)
    }

    func setLeader(of topic: String, _ partition: Int32, _ broker: Int32) {
        rd_kafka_mock_partition_set_leader(self.pointers.cluster, topic, partition, broker)
    }
}
