import SQLite
import Testing

@Suite struct MigrationTests {
    let folder: TemporaryFolder
    let connection: Connection
    let first = Migration(id: 1, sql: "CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    let second = Migration(id: 2, sql: "INSERT INTO a VALUES (2)")

    init() throws {
        self.folder = try TemporaryFolder()
        self.connection = try Connection(path: self.folder.database)
    }

    private func rows() throws -> [Int] { try self.connection.query("SELECT x FROM a ORDER BY x") { $0.int(0) } }

    @Test func runsEachStepOnce() throws {
        try self.connection.migrate("part", [self.first])
        try self.connection.migrate("part", [self.first])
        #expect(try self.rows() == [1])
        try self.connection.migrate("part", [self.first, self.second])
        #expect(try self.rows() == [1, 2])
    }

    @Test func keepsTheVersionsOfPartsApart() throws {
        try self.connection.migrate("part", [self.first])
        try self.connection.migrate("other", [Migration(id: 1, sql: "INSERT INTO a VALUES (7)")])
        #expect(try self.rows() == [1, 7])
    }

    @Test func refusesADatabaseOfANewerProgram() throws {
        try self.connection.migrate("part", [self.first, self.second])
        let error = #expect(throws: SQLiteError.self) { try self.connection.migrate("part", [self.first]) }
        #expect(error?.code == .newerSchema)
        #expect(try self.rows() == [1, 2])
    }

    @Test func leavesNothingOfAStepThatFails() throws {
        let broken = Migration(id: 2, sql: "INSERT INTO a VALUES (2); INSERT INTO missing VALUES (1)")
        try self.connection.migrate("part", [self.first])
        #expect(throws: SQLiteError.self) { try self.connection.migrate("part", [self.first, broken]) }
        #expect(try self.rows() == [1])
        try self.connection.migrate("part", [self.first, self.second])
        #expect(try self.rows() == [1, 2])
    }

    @Test func runsInsideATransaction() throws {
        try self.connection.transaction { try self.connection.migrate("part", [self.first]) }
        #expect(try self.rows() == [1])
    }
}
