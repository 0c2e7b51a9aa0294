import Foundation
import HTTPClient
import Messages
import ServiceKit
import Testing

@testable import APIGateway

@Suite struct RestartTests {
    /// Runs a gateway twice over the same folder.
    private static func twice(
        _ options: GatewayFixture.Options = .init(),
        first: @Sendable (GatewayFixture) async throws -> String,
        between: (String) throws -> Void = { _ in },
        second: @Sendable (GatewayFixture, String) async throws -> Void
    ) async throws {
        let folder = try GatewayFixture.makeFolder()
        defer { GatewayFixture.remove(folder) }
        var options = options
        options.folder = folder
        let value = Locked("")
        try await GatewayFixture.run(options) { gateway in
            let text = try await first(gateway)
            value.withLock { $0 = text }
        }
        try between(folder)
        try await GatewayFixture.run(options) { try await second($0, value.withLock { $0 }) }
    }

    private static func fill(_ gateway: GatewayFixture) async throws -> String {
        try await gateway.makeTemplate()
        let session = try await gateway.makeSession("s1")
        let id = try await gateway.submit("x", to: session)
        let held = try await gateway.submit("hold", to: session)
        _ = try await gateway.get("/executions/\(id)/result?wait=30")
        while try await gateway.get("/executions/\(held)/status").string("status") != "running" {}
        return id
    }

    private static func check(_ gateway: GatewayFixture, _ id: String) async throws {
        #expect(try await gateway.get("/templates/t1").status == 200)
        #expect(try await gateway.get("/sessions/s1").string("status") == "running")
        #expect(try await gateway.get("/executions/\(id)/status").string("status") == "completed")
        #expect(try await gateway.get("/executions/sessions/s1/executions").int("total") == 2)
        #expect(try await gateway.get("/sessions").int("total") == 1)
        #expect(try await gateway.get("//metrics").text.contains("sandbox_executions_open 1\n"))
    }

    @Test(.timeLimit(.minutes(10))) func aRestartGoesOnFromTheDatabase() async throws {
        try await Self.twice(first: Self.fill, second: Self.check)
    }

    @Test(.timeLimit(.minutes(10))) func everythingIsAnsweredFromTheDatabaseWithoutMemory() async throws {
        var options = GatewayFixture.Options()
        options.cacheBytes = 0
        try await Self.twice(options, first: Self.fill, second: Self.check)
    }

    @Test(.timeLimit(.minutes(10))) func aLostDatabaseIsBuiltAgain() async throws {
        try await Self.twice(
            first: Self.fill,
            between: { folder in
                for suffix in ["", "-wal", "-shm"] {
                    // Some of them need not be there.
                    try? FileManager.default.removeItem(atPath: folder + "/gateway.db" + suffix)
                }
            },
            second: Self.check
        )
    }

    @Test(.timeLimit(.minutes(10))) func aDamagedDatabaseIsBuiltAgain() async throws {
        try await Self.twice(
            first: Self.fill,
            between: { folder in
                try Data("this is no database, and never was one".utf8)
                    .write(to: URL(fileURLWithPath: folder + "/gateway.db"))
            },
            second: Self.check
        )
    }

    @Test(.timeLimit(.minutes(10))) func aDatabaseOfAnotherLogIsBuiltAgain() async throws {
        try await Self.twice(
            first: Self.fill,
            between: { folder in
                for suffix in ["", "-wal", "-shm"] {
                    // Some of them need not be there.
                    try? FileManager.default.removeItem(atPath: folder + "/log.db" + suffix)
                }
            },
            second: { gateway, id in
                let gone = try await gateway.get("/executions/\(id)/status")
                #expect(gone.status == 404)
                #expect(try await gateway.get("/sessions").int("total") == 0)
            }
        )
    }

    @Test(.timeLimit(.minutes(10))) func startingAndStoppingManyTimesWorks() async throws {
        let folder = try GatewayFixture.makeFolder()
        defer { GatewayFixture.remove(folder) }
        var options = GatewayFixture.Options()
        options.folder = folder
        for _ in 0..<20 {
            try await GatewayFixture.run(options) { gateway in
                let answer = try await gateway.get("/health")
                #expect(answer.status == 200)
            }
        }
    }
}
