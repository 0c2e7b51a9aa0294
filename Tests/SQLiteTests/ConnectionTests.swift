import SQLite
import Testing

@Suite struct ConnectionTests {
    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        self.folder = try TemporaryFolder()
        self.connection = try Connection(path: self.folder.database)
        try self.connection.run("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
    }

    private func count() throws -> Int? { try self.connection.first("SELECT count(*) FROM t") { $0.int(0) } }

    @Test(arguments: [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")])
    func opensWithThePragmaInForce(_ pragma: String, _ value: String) throws {
        #expect(try self.connection.query("PRAGMA \(pragma)") { $0.text(0) } == [value])
    }

    @Test(arguments: [
        SQLiteValue.null, .int(Int64.min), .double(0.1), .text(""), .text("grün\0x"), .blob([]), .blob([0, 255]),
    ])
    func givesBackWhatWasBound(_ value: SQLiteValue) throws {
        try self.connection.execute("INSERT INTO t VALUES (1, ?)", [value])
        let read = try self.connection.first("SELECT value, typeof(value) FROM t") {
            (row: borrowing Row) throws(SQLiteError) -> SQLiteValue in
            switch row.text(1) {
            case "null": .null
            case "integer": .int(row.int64(0))
            case "real": .double(row.double(0))
            case "text": .text(row.text(0))
            default:
                try row.withBytes(0) { bytes throws(SQLiteError) in
                    .blob((0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
                }
            }
        }
        #expect(read == value)
    }

    @Test func tellsNullFromEmpty() throws {
        try self.connection.execute("INSERT INTO t VALUES (1, ?), (2, ?)", [.blob(nil), .blob([])])
        let read = try self.connection.query("SELECT value FROM t ORDER BY id") { $0.optionalBlob(0) }
        #expect(read == [nil, []])
    }

    @Test func runsAStatementInsideItself() throws {
        try self.connection.run("INSERT INTO t VALUES (1, 10), (2, 20)")
        let sql = "SELECT id FROM t WHERE id >= ? ORDER BY id"
        let pairs = try self.connection.query(sql, [1]) { (outer: borrowing Row) throws(SQLiteError) in
            let id = outer.int(0)
            return (id, try self.connection.query(sql, [.int(id)]) { $0.int(0) })
        }
        #expect(pairs.map(\.0) == [1, 2])
        #expect(pairs.map(\.1) == [[1, 2], [2]])
    }

    @Test func reportsABrokenConstraint() throws {
        try self.connection.execute("INSERT INTO t VALUES (1, 1)")
        let error = #expect(throws: SQLiteError.self) { try self.connection.execute("INSERT INTO t VALUES (1, 2)") }
        #expect(error?.code == .constraint)
        #expect(error?.isRetriable == false)
    }

    @Test func reportsWhereABadPathLeads() {
        let error = #expect(throws: SQLiteError.self) { _ = try Connection(path: "/nonexistent/folder/x.sqlite") }
        #expect(error?.code == .io)
        #expect(error?.message.contains("/nonexistent/folder/x.sqlite") == true)
    }

    @Test func undoesATransactionThatThrows() throws {
        #expect(throws: CancellationError.self) {
            try self.connection.transaction {
                try self.connection.execute("INSERT INTO t VALUES (1, 1)")
                throw CancellationError()
            }
        }
        #expect(try self.count() == 0)
        #expect(!self.connection.isInTransaction)
    }

    @Test func undoesASavepointThatThrowsAndItsHooks() throws {
        var calls: [String] = []
        try self.connection.transaction {
            try self.connection.execute("INSERT INTO t VALUES (1, 1)")
            self.connection.afterCommit { calls.append("outer committed") }
            self.connection.afterRollback { calls.append("outer undone") }
            #expect(throws: CancellationError.self) {
                try self.connection.savepoint {
                    try self.connection.execute("INSERT INTO t VALUES (2, 2)")
                    self.connection.beforeCommit { calls.append("inner before") }
                    self.connection.afterCommit { calls.append("inner committed") }
                    self.connection.afterRollback { calls.append("first undone") }
                    self.connection.afterRollback { calls.append("second undone") }
                    throw CancellationError()
                }
            }
            #expect(calls == ["second undone", "first undone"])
        }
        #expect(calls == ["second undone", "first undone", "outer committed"])
        #expect(try self.count() == 1)
    }

    @Test func failsTheTransactionThatAHookRefuses() throws {
        var calls: [String] = []
        #expect(throws: CancellationError.self) {
            try self.connection.transaction {
                try self.connection.execute("INSERT INTO t VALUES (1, 1)")
                self.connection.afterCommit { calls.append("committed") }
                self.connection.afterRollback { calls.append("undone") }
                self.connection.beforeCommit { throw CancellationError() }
            }
        }
        #expect(calls == ["undone"])
        #expect(try self.count() == 0)
        // Nothing of it is left for the next one.
        try self.connection.transaction { try self.connection.execute("INSERT INTO t VALUES (2, 2)") }
        #expect(calls == ["undone"])
    }

    @Test func refusesToWriteOnAReadOnlyConnection() throws {
        let reader = try Connection(path: self.folder.database, access: .readOnly)
        #expect(throws: SQLiteError.self) { try reader.execute("INSERT INTO t VALUES (1, 1)") }
    }
}
