import Messages
import ServiceKit
import Testing
import WorkerNode

@Suite struct WorkerNodeConfigurationTests {
    @Test func everyKeyIsRead() throws {
        let reader = ConfigurationReader([
            "NODE_ID": "n-7", "SANDBOXES_DIRECTORY": "/s", "WARM_POOL_SIZE": "3", "POOLED_IMAGES": "a, b",
            "MAX_SANDBOXES": "4", "STARTS_AT_ONCE": "5", "STDOUT_LIMIT_BYTES": "6", "STDERR_LIMIT_BYTES": "7",
            "RESULT_LIMIT_BYTES": "8", "REPORT_INTERVAL_SECONDS": "9", "REAPER_GRACE_SECONDS": "10",
            "WORKER_DRAIN_TIMEOUT_SECONDS": "11",
        ])
        let configuration = try WorkerNodeConfiguration(reader: reader, sandboxesDirectory: "/d", partitions: 2)
        let expected = try WorkerNodeConfiguration(
            nodeID: NodeID("n-7"),
            sandboxesDirectory: "/s",
            partitions: 2,
            warmPoolSize: 3,
            pooledImages: ["a", "b"],
            maxSandboxes: 4,
            startsAtOnce: 5,
            stdoutLimit: 6,
            stderrLimit: 7,
            resultLimit: 8,
            reportInterval: .seconds(9),
            reaperGrace: .seconds(10),
            drainTimeout: .seconds(11)
        )
        #expect(configuration == expected)
        #expect(reader.keys.count == 16)
    }

    @Test func nothingSetMeansTheDefaults() throws {
        let configuration = try WorkerNodeConfiguration(reader: ConfigurationReader([:]), sandboxesDirectory: "/d")
        #expect(configuration == (try WorkerNodeConfiguration(sandboxesDirectory: "/d")))
        #expect(configuration.nodeID == NodeID("local"))
        #expect(configuration.warmPoolSize == 2)
    }

    @Test(arguments: [
        ("NODE_ID", "a/b"), ("SANDBOXES_DIRECTORY", "relative"), ("WARM_POOL_SIZE", "-1"), ("POOLED_IMAGES", "a,,b"),
        ("MAX_SANDBOXES", "0"), ("STARTS_AT_ONCE", "0"), ("STDOUT_LIMIT_BYTES", "-1"),
        ("STDERR_LIMIT_BYTES", "99999999"), ("RESULT_LIMIT_BYTES", "x"), ("REPORT_INTERVAL_SECONDS", "0"),
        ("REAPER_GRACE_SECONDS", "-1"), ("WORKER_DRAIN_TIMEOUT_SECONDS", "soon"),
    ]) func aBadValueIsRefusedByItsKey(_ key: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try WorkerNodeConfiguration(reader: ConfigurationReader([key: value]), sandboxesDirectory: "/d")
        }
        #expect(error?.key == key)
    }
}
