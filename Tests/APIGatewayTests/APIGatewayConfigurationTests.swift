import HTTPServer
import ServiceKit
import Testing

@testable import APIGateway

@Suite struct APIGatewayConfigurationTests {
    @Test func everyKeyIsRead() throws {
        let values = [
            "HOST": "0.0.0.0", "PORT": "9000", "HTTP_THREADS": "3", "HTTP_CONNECTION_LIMIT": "100",
            "READ_MODEL_CACHE_MB": "5", "MAX_QUEUED_EXECUTIONS_PER_SESSION": "6", "MAX_QUEUED_EXECUTIONS": "7",
            "MAX_UPLOAD_BYTES": "8", "DEFAULT_TIMEOUT": "9", "MAX_TIMEOUT": "10", "MAX_PROCESSES": "11",
            "PYTHON_PACKAGE_INDEX_URL": "http://mirror/", "INTERNAL_TOKEN": "secret", "DECISION_TIMEOUT_SECONDS": "12",
            "HTTP_DRAIN_TIMEOUT_SECONDS": "13",
        ]
        let reader = ConfigurationReader(values)
        let configuration = try APIGatewayConfiguration(reader: reader)
        #expect(configuration.http.host == "0.0.0.0")
        #expect(configuration.http.port == 9000)
        #expect(configuration.http.threads == 3)
        #expect(configuration.http.connectionLimit == 100)
        #expect(configuration.cacheBytes == 5 * 1_048_576)
        #expect(configuration.maxQueuedExecutionsPerSession == 6)
        #expect(configuration.maxQueuedExecutions == 7)
        #expect(configuration.maxUploadBytes == 8)
        #expect(configuration.defaultSessionTimeout == 9)
        #expect(configuration.maxTimeout == 10)
        #expect(configuration.maxProcesses == 11)
        #expect(configuration.packageIndexURL == "http://mirror/")
        #expect(configuration.internalToken == Secret("secret"))
        #expect(configuration.decisionTimeout == .seconds(12))
        #expect(configuration.drainTimeout == .seconds(13))
        #expect(Set(reader.keys.map(\.name)) == Set(values.keys))
    }

    @Test func aCommandLineWins() throws {
        let reader = ConfigurationReader(["HOST": "0.0.0.0", "PORT": "9000"])
        let configuration = try APIGatewayConfiguration(reader: reader, host: "127.0.0.1", port: 0)
        #expect(configuration.http.host == "127.0.0.1")
        #expect(configuration.http.port == 0)
    }

    @Test(
        arguments: [
            ("HOST", "nowhere.example"), ("PORT", "70000"), ("MAX_TIMEOUT", "3601"), ("DEFAULT_TIMEOUT", "0"),
            ("PYTHON_PACKAGE_INDEX_URL", "ftp://x"), ("DECISION_TIMEOUT_SECONDS", "0"), ("MAX_UPLOAD_BYTES", "0"),
        ]
    )
    func aBadValueNamesItsKey(_ key: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try APIGatewayConfiguration(reader: ConfigurationReader([key: value]))
        }
        #expect(error?.key == key)
    }
}
