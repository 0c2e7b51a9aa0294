import CSQLite

/// A value to bind to a parameter of a statement.
public enum SQLiteValue: Sendable, Hashable {
    case null
    case int(Int64)
    case double(Double)
    case text(String)
    case blob([UInt8])

    /// Binds a copy of the value; returns SQLite's result.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .null:
            return sqlite3_bind_null(statement, index)
        case .int(let value):
            return sqlite3_bind_int64(statement, index, value)
        case .double(let value):
            return sqlite3_bind_double(statement, index, value)
        case .text(var value):
            return value.withUTF8 { csqlite_bind_text(statement, index, $0.baseAddress, Int32($0.count)) }
        case .blob(let value):
            return value.withUnsafeBytes { csqlite_bind_blob(statement, index, $0.baseAddress, Int32($0.count)) }
        }
    }

    /// The text, or NULL.
    public static func text(_ value: String?) -> Self { value.map { .text($0) } ?? .null }
    /// The bytes, or NULL.
    public static func blob(_ value: [UInt8]?) -> Self { value.map { .blob($0) } ?? .null }
    /// The number, or NULL.
    public static func int(_ value: Int64?) -> Self { value.map { .int($0) } ?? .null }
    public static func int(_ value: Int) -> Self { .int(Int64(value)) }
    /// 1 or 0, as SQLite has it.
    public static func bool(_ value: Bool) -> Self { .int(value ? 1 : 0) }
}

extension SQLiteValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(nilLiteral: ()) { self = .null }
}
