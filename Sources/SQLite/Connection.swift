import CSQLite

/// One open database and the statements prepared on it; frees them in `deinit`.
///
/// Not `Sendable`: made on the thread that uses it, or handed over whole by whoever owns it.
public final class Connection {
    /// What the connection may do.
    public enum Access: Sendable {
        /// Creates the file if there is none. A commit is on disk when it returns.
        case readWrite
        /// The file must exist.
        case readOnly
    }

    /// In milliseconds. Another connection writes only by mistake, or from a tool.
    private static let busyTimeout: Int32 = 5000

    let handle: OpaquePointer
    public let path: String
    private var statements: [String: Statement] = [:]
    /// What waits for the end of the transaction.
    var hooks = TransactionHooks()

    /// Opens the file.
    ///
    /// Writers use WAL with `synchronous=FULL` (read back: the call fails where it is not in force) and foreign keys.
    /// - Throws: ``SQLiteError``, `io` if the file cannot be opened.
    public init(path: String, access: Access = .readWrite) throws(SQLiteError) {
        var handle: OpaquePointer?
        let mode = access == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let result = sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard result == SQLITE_OK, let handle else {
            // A failed open may leave a handle behind.
            defer { sqlite3_close_v2(handle) }
            throw SQLiteError(result: result, of: handle, in: "open \(path)")
        }
        self.handle = handle
        self.path = path
        sqlite3_busy_timeout(handle, Self.busyTimeout)
        try self.run("PRAGMA foreign_keys=ON")
        guard access == .readWrite else { return }
        guard try self.query("PRAGMA journal_mode=WAL", read: { $0.text(0) }) == ["wal"] else {
            throw SQLiteError(.other, "journal_mode=WAL is not in force for \(path)")
        }
        // Keeps the file from staying at the size of the largest burst.
        try self.run("PRAGMA journal_size_limit=67108864")
        try self.run("PRAGMA synchronous=FULL")
        guard try self.query("PRAGMA synchronous", read: { $0.int(0) }) == [2] else {
            throw SQLiteError(.other, "synchronous=FULL is not in force for \(path)")
        }
    }

    deinit {
        // Statements that end their life later still can: the library closes with the last of them.
        sqlite3_close_v2(self.handle)
    }

    /// Rows changed by the last statement.
    public var changes: Int { Int(sqlite3_changes64(self.handle)) }
    /// SQLite may end a transaction by itself, on a full disk for one.
    public var isInTransaction: Bool { sqlite3_get_autocommit(self.handle) == 0 }

    /// Runs one statement and returns what `read` makes of each row.
    ///
    /// - Parameters:
    ///   - sql: Constant text, the key of the statement cache. Values are bound, never spliced in.
    ///   - read: Is lent the row, and copies what it keeps.
    public func query<T>(
        _ sql: String,
        _ values: [SQLiteValue] = [],
        read: (borrowing Row) throws(SQLiteError) -> T
    ) throws(SQLiteError) -> [T] {
        var rows: [T] = []
        try self.forEach(sql, values) { (row: borrowing Row) throws(SQLiteError) in
            rows.append(try read(row))
            return true
        }
        return rows
    }

    /// Runs one statement and returns what `read` makes of its first row, `nil` if there is none.
    public func first<T>(
        _ sql: String,
        _ values: [SQLiteValue] = [],
        read: (borrowing Row) throws(SQLiteError) -> T
    ) throws(SQLiteError) -> T? {
        var value: T?
        try self.forEach(sql, values) { (row: borrowing Row) throws(SQLiteError) in
            value = try read(row)
            return false
        }
        return value
    }

    /// Runs one statement and lends each row, until `body` returns false.
    public func forEach(
        _ sql: String,
        _ values: [SQLiteValue] = [],
        _ body: (borrowing Row) throws(SQLiteError) -> Bool
    ) throws(SQLiteError) {
        let statement = try self.statement(sql)
        statement.isInUse = true
        // Reset in any case: a statement left in the middle holds its read transaction open.
        defer { statement.reset() }
        for (index, value) in values.enumerated() {
            let result = value.bind(to: statement.handle, at: Int32(index + 1))
            guard result == SQLITE_OK else { throw SQLiteError(result: result, of: self.handle, in: sql) }
        }
        while true {
            switch sqlite3_step(statement.handle) {
            case SQLITE_ROW: if try !body(Row(statement: statement.handle)) { return }
            case SQLITE_DONE: return
            case let result: throw SQLiteError(result: result, of: self.handle, in: sql)
            }
        }
    }

    /// Runs one statement for its effect.
    public func execute(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) {
        try self.forEach(sql, values) { _ in true }
    }

    /// Runs statements without parameters, separated by semicolons; nothing of them is cached.
    ///
    /// Also for `PRAGMA name=value`, part of which acts while it is prepared.
    public func run(_ script: String) throws(SQLiteError) {
        let result = sqlite3_exec(self.handle, script, nil, nil, nil)
        guard result == SQLITE_OK else { throw SQLiteError(result: result, of: self.handle, in: script) }
    }

    /// Runs `body` in a mode in which a lock held by another connection is reported at once.
    func withoutWaiting(_ body: () -> Void) {
        sqlite3_busy_timeout(self.handle, 0)
        body()
        sqlite3_busy_timeout(self.handle, Self.busyTimeout)
    }

    /// The prepared statement; a new one, for once, if a row closure runs the text that it gets rows of.
    private func statement(_ sql: String) throws(SQLiteError) -> Statement {
        if let statement = self.statements[sql], !statement.isInUse { return statement }
        var handle: OpaquePointer?
        let result = sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard let handle else { throw SQLiteError(result: result, of: self.handle, in: sql) }
        let statement = Statement(handle)
        if self.statements[sql] == nil { self.statements[sql] = statement }
        return statement
    }
}

/// A prepared statement; frees it in `deinit`.
private final class Statement {
    let handle: OpaquePointer
    var isInUse = false

    init(_ handle: OpaquePointer) { self.handle = handle }
    deinit { sqlite3_finalize(self.handle) }

    func reset() {
        sqlite3_reset(self.handle)
        sqlite3_clear_bindings(self.handle)
        self.isInUse = false
    }
}
