import Foundation
import SQLite
import Testing

@Suite(.timeLimit(.minutes(10))) struct ReadersTests {
    let folder: TemporaryFolder

    init() throws { self.folder = try TemporaryFolder() }

    private func open() async throws -> SerialWriter {
        try await SerialWriter.open(path: self.folder.database) {
            try $0.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        }
    }

    @Test func seeWhatIsCommitted() async throws {
        let writer = try await self.open()
        let pool = ReaderPool(path: self.folder.database)
        let reader = try SerialReader(path: self.folder.database)
        let count: @Sendable (Connection) throws -> Int? = { try $0.first("SELECT count(*) FROM t") { $0.int(0) } }
        for expected in 1...50 {
            try await writer.write(durability: .relaxed) { try $0.execute("INSERT INTO t VALUES (NULL)") }
            #expect(try pool.read(count) == expected)
            #expect(try await reader.read(count) == expected)
        }
        await reader.close()
        await #expect(throws: SQLiteError.self) { try await reader.read(count) }
        await writer.close()
    }

    @Test(arguments: 0..<20) func haveClosedTheFileWhenTheyAreClosed(_: Int) async throws {
        let writer = try await self.open()
        let reader = try SerialReader(path: self.folder.database)
        _ = try await reader.read { try $0.first("SELECT count(*) FROM t") { $0.int(0) } }
        await writer.close()
        #expect(!self.openFiles.isEmpty)
        await reader.close()
        #expect(self.openFiles.isEmpty)
    }

    /// What this process has open of the folder.
    private var openFiles: [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        // A descriptor that was closed meanwhile is none.
        return descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        .filter { $0.hasPrefix(self.folder.path) }
    }

    @Test func readAtOnceFromManyTasks() async throws {
        let writer = try await self.open()
        try await writer.write { try $0.run("INSERT INTO t VALUES (1), (2), (3)") }
        let pool = ReaderPool(path: self.folder.database, maximumIdle: 1)
        let sums = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<100 { group.addTask { try pool.read { try $0.first("SELECT sum(id) FROM t") { $0.int(0) } } } }
            return try await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(sums.count == 100 && sums.allSatisfy { $0 == 6 })
        await writer.close()
    }

    @Test func poolGoesOnAfterABodyThatThrows() async throws {
        let writer = try await self.open()
        let pool = ReaderPool(path: self.folder.database, maximumIdle: 1)
        #expect(throws: CancellationError.self) { try pool.read { _ in throw CancellationError() } }
        #expect(try pool.read { try $0.first("SELECT 7") { $0.int(0) } } == 7)
        await writer.close()
    }

    @Test func reportAMissingFile() async throws {
        let pool = ReaderPool(path: self.folder.path + "/missing")
        #expect(throws: SQLiteError.self) { try pool.read { _ in } }
        let reader = try SerialReader(path: self.folder.path + "/missing")
        await #expect(throws: SQLiteError.self) { try await reader.read { _ in } }
    }
}
