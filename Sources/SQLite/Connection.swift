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
    /// Statements at rest. One in use is taken out, so that a row closure may run the same text again.
    private var resting: [String: OpaquePointer] = [:]
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
        for statement in self.resting.values { sqlite3_finalize(statement) }
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
        let statement = try self.takeStatement(sql)
        // Reset in any case: a statement left in the middle holds its read transaction open.
        defer { self.putBack(statement, sql) }
        for (index, value) in values.enumerated() {
            let result = value.bind(to: statement, at: Int32(index + 1))
            guard result == SQLITE_OK else { throw SQLiteError(result: result, of: self.handle, in: sql) }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: if try !body(Row(statement: statement)) { return }
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

    private func takeStatement(_ sql: String) throws(SQLiteError) -> OpaquePointer {
        if let statement = self.resting.removeValue(forKey: sql) { return statement }
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard let statement else { throw SQLiteError(result: result, of: self.handle, in: sql) }
        return statement
    }

    private func putBack(_ statement: OpaquePointer, _ sql: String) {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
        if let other = self.resting.updateValue(statement, forKey: sql) { sqlite3_finalize(other) }
    }
}
