import Foundation
import ServiceKit
import Testing

@testable import SandboxCLI

@Suite struct ConfigurationDocumentTests {
    @Test func theDocumentNamesEverySettingAndNoOther() async throws {
        let whole = try String(contentsOfFile: Self.path, encoding: .utf8)
        // What follows is for the processes of a cluster.
        let document = whole.components(separatedBy: "\n## A cluster\n")[0]
        let documented = Set(
            document.split(separator: "\n").compactMap { line -> String? in
                guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
                return String(line[line.index(line.startIndex, offsetBy: 3)..<end])
            }
        )
        #expect(documented == Set(try await Self.settings([:]).keys.map(\.name)))
    }

    @Test(arguments: [
        ("PORT", "99999"), ("PARTITIONS", "0"), ("LOG_LEVEL", "loud"), ("WARM_POOL_SIZE", "many"), ("MAX_TIMEOUT", "0"),
        ("IDLE_THRESHOLD_MINUTES", "soon"), ("SANDBOX_IMAGES", "nameless"),
    ])
    func aBadValueIsToldWithItsName(_ key: String, _ value: String) async throws {
        let error = await #expect(throws: ConfigurationError.self) { try await Self.settings([key: value]) }
        #expect(error?.key == key)
    }

    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../docs/configuration.md").path

    private static func settings(_ environment: [String: String]) async throws -> ServeConfiguration {
        let all = environment.merging(["HOME": "/nowhere"]) { given, _ in given }
        return try ServeConfiguration(arguments: try await ServeArguments.none(), environment: all)
    }
}

/// What a command line without options parses to.
private enum ServeArguments {
    static func none() async throws -> Arguments {
        let taken = Locked<Arguments?>(nil)
        let command = Command(
            "serve",
            summary: "",
            action: { arguments in
                taken.withLock { $0 = arguments }
                return 0
            }
        )
        _ = await command.run([])
        return try #require(taken.withLock { $0 })
    }
}
