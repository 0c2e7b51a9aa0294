import Foundation
import Messages
import SQLite
import StateStore
import Testing

@Suite struct ReadModelStoreTests {
    private static let now = Timestamp(microseconds: 1_000_000)

    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "read-model-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // A folder that stays in the temporary directory harms nobody.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder + "/gateway.db")
    }

    private static func open(_ path: String, ends: [Int64] = [100, 100], oldest: Int64 = 0) throws -> ReadModelStore {
        try ReadModelStore(path: path, ends: ends, oldest: Timestamp(microseconds: oldest))
    }

    private static func execution(_ id: String, version: Int, _ status: ExecutionStatus) -> StateRecord {
        let spec = ExecutionSpec(
            id: ExecutionID(id),
            session: SessionID("s"),
            incarnation: Incarnation("i"),
            code: "x",
            language: .python,
            createdAt: Self.now
        )
        return .execution(Execution(spec: spec, status: status, version: version))
    }

    private static func session(_ id: String, incarnation: String, version: Int) -> StateRecord {
        let spec = SessionSpec(
            id: SessionID(id),
            incarnation: Incarnation(incarnation),
            templateID: TemplateID("t"),
            image: "image",
            runtime: .python311,
            resources: Resources(cpu: "1", memory: "1Gi", disk: "1Gi", cpuMillis: 1, memoryBytes: 1, diskBytes: 1),
            createdAt: Self.now
        )
        return .session(Session(spec: spec, version: version, updatedAt: Self.now, lastActivityAt: Self.now))
    }

    private static func change(_ record: StateRecord) -> ReadModelChange {
        ReadModelChange(key: record.key, record: record)
    }

    private static func query<T>(_ path: String, _ body: (ReadModelQueries) throws -> T) throws -> T {
        try body(ReadModelQueries(Connection(path: path, access: .readOnly)))
    }

    @Test func recordsAndOffsetsAreFoundAgain() throws {
        try Self.withFolder { path in
            let record = Self.execution("e", version: 1, .running)
            try Self.open(path).apply([Self.change(record)], offsets: [0: 5, 1: 9], now: Self.now)
            let store = try Self.open(path)
            #expect(store.rebuildReason == nil)
            #expect(try store.offsets() == [0: 5, 1: 9])
            #expect(try store.openExecutions().map(\.execution) == [ExecutionID("e")])
            #expect(try Self.query(path) { try $0.record(record.key) } == record)
        }
    }

    @Test func anOlderRecordDoesNotReplaceANewerOne() throws {
        try Self.withFolder { path in
            let store = try Self.open(path)
            let (old, new) = (Self.execution("e", version: 1, .pending), Self.execution("e", version: 2, .completed))
            try store.apply([Self.change(new)], offsets: [:], now: Self.now)
            try store.apply([Self.change(old)], offsets: [:], now: Self.now)
            #expect(try Self.query(path) { try $0.record(new.key) } == new)
            #expect(try store.openExecutions().isEmpty)
            let (first, second) = (
                Self.session("s", incarnation: "a", version: 5), Self.session("s", incarnation: "b", version: 1)
            )
            try store.apply([Self.change(first), Self.change(second)], offsets: [:], now: Self.now)
            #expect(try Self.query(path) { try $0.record(second.key) } == second)
        }
    }

    @Test func whatIsGoneIsRemoved() throws {
        try Self.withFolder { path in
            let store = try Self.open(path)
            let records = [Self.execution("e", version: 1, .pending), Self.session("s", incarnation: "a", version: 1)]
            try store.apply(records.map(Self.change), offsets: [:], now: Self.now)
            try store.apply(records.map { ReadModelChange(key: $0.key, record: nil) }, offsets: [:], now: Self.now)
            for record in records { #expect(try Self.query(path) { try $0.record(record.key) } == nil) }
            #expect(try store.openExecutions().isEmpty)
        }
    }

    @Test(arguments: [([4, 100], 0), ([100], 0), ([100, 100], 2_000_000)] as [([Int64], Int64)])
    func aFileThatDoesNotFitTheLogIsMadeAnew(_ ends: [Int64], _ oldest: Int64) throws {
        try Self.withFolder { path in
            let record = Self.execution("e", version: 1, .running)
            try Self.open(path).apply([Self.change(record)], offsets: [0: 5, 1: 9], now: Self.now)
            let store = try Self.open(path, ends: ends, oldest: oldest)
            #expect(store.rebuildReason != nil)
            #expect(try store.offsets() == [:])
            #expect(try store.openExecutions().isEmpty)
        }
    }

    @Test func aFileOfAnotherSchemaIsMadeAnew() throws {
        try Self.withFolder { path in
            try Connection(path: path).run("PRAGMA user_version = 99; CREATE TABLE other (x)")
            let store = try Self.open(path)
            #expect(store.rebuildReason != nil)
            #expect(try store.offsets() == [:])
        }
    }
}
