import Foundation
import ServiceKit
import Testing

@testable import Cluster

@Suite struct ClusterDocumentTests {
    private static let required = [
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092", "INTERNAL_TOKEN": "0123456789abcdef",
    ]

    private static let processes = [
        APIGatewayCommand.process, DispatcherCommand.process, WorkerNodeCommand.process,
    ]

    private static func keys(_ process: ClusterProcess) throws -> Set<String> {
        let settings = try ClusterSettings(Self.required, label: "test")
        _ = try process.prepare(settings)
        return Set(settings.reader.keys.map(\.name))
    }

    private static func documented(_ text: String) -> Set<String> {
        Set(
            text.split(separator: "\n").compactMap { line -> String? in
                guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
                return String(line[line.index(line.startIndex, offsetBy: 3)..<end])
            }
        )
    }

    @Test func theDocumentNamesEverySettingOfEveryProcess() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/configuration.md").path
        let document = try String(contentsOfFile: path, encoding: .utf8)
        let own = Self.documented(document.components(separatedBy: "\n## A cluster\n").last ?? "")
        let all = try Self.processes.map(Self.keys).reduce(into: Set()) { $0.formUnion($1) }
        #expect(all.subtracting(Self.documented(document)).isEmpty)
        #expect(own.subtracting(all).isEmpty)
    }

    @Test(
        arguments: [
            ("KAFKA_BOOTSTRAP_SERVERS", "nonsense"), ("KAFKA_SECURITY_PROTOCOL", "secret"), ("PARTITIONS", "0"),
            ("KAFKA_SESSION_TIMEOUT_SECONDS", "1"), ("KAFKA_REPLICATION_FACTOR", "0"), ("INTERNAL_TOKEN", "short"),
            ("DATA_DIR", "relative"), ("ADVERTISED_URL", "ftp://x"), ("RUNTIME", "magic"), ("REDIS_URL", "http://x"),
            ("NODE_CPUS", "-1"),
        ]
    )
    func aBadValueIsToldWithItsName(key: String, value: String) throws {
        let environment = Self.required.merging([key: value]) { $1 }
        let error = #expect(throws: ConfigurationError.self) {
            let settings = try ClusterSettings(environment, label: "test")
            for process in Self.processes { _ = try process.prepare(settings) }
        }
        #expect(error?.key == key)
    }
}
