import CSQLite

/// The current row, lent to a closure: not copyable and only borrowed, it cannot be kept.
public struct Row: ~Copyable {
    let statement: OpaquePointer

    public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(self.statement, column) == SQLITE_NULL }
    /// 0 for NULL.
    public func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(self.statement, column)) }
    /// 0 for NULL.
    public func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(self.statement, column) }
    public func optionalInt64(_ column: Int32) -> Int64? { self.isNull(column) ? nil : self.int64(column) }
    /// 0 for NULL.
    public func double(_ column: Int32) -> Double { sqlite3_column_double(self.statement, column) }
    /// Whether the number is not 0; false for NULL.
    public func bool(_ column: Int32) -> Bool { self.int64(column) != 0 }

    /// Empty for NULL.
    public func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(self.statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(self.statement, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    public func optionalText(_ column: Int32) -> String? { self.isNull(column) ? nil : self.text(column) }

    /// Empty for NULL.
    public func blob(_ column: Int32) -> [UInt8] {
        // `blob` may convert the value: its length is known only after that.
        guard let start = sqlite3_column_blob(self.statement, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(self.statement, column))))
    }

    public func optionalBlob(_ column: Int32) -> [UInt8]? { self.isNull(column) ? nil : self.blob(column) }

    /// Lends bytes without a copy; the compiler lets no `RawSpan` out of `body`.
    public func withBytes<R>(_ column: Int32, _ body: (RawSpan) throws(SQLiteError) -> R) throws(SQLiteError) -> R {
        let start = sqlite3_column_blob(self.statement, column)
        let count = Int(sqlite3_column_bytes(self.statement, column))
        return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count).bytes)
    }
}
