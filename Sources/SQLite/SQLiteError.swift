import CSQLite

/// An error of SQLite, or of our use of it.
public struct SQLiteError: Error, Sendable {
    /// What went wrong, in the terms of a caller that has to decide.
    ///
    /// A struct over a private enum: new codes do not break callers that `switch` with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case busy, full, io, constraint, closed, locked, newerSchema, other }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Another connection holds the lock.
        public static let busy = Self(.busy)
        /// The disk has no room; what is stored is intact.
        public static let full = Self(.full)
        /// The disk failed to read or write; what is committed is intact as far as the disk is.
        public static let io = Self(.io)
        /// The statement breaks a constraint of the schema.
        public static let constraint = Self(.constraint)
        /// The writer takes nothing more.
        public static let closed = Self(.closed)
        /// Another process uses the database.
        public static let locked = Self(.locked)
        /// The database was written by a newer version of the program.
        public static let newerSchema = Self(.newerSchema)
        /// Not for callers to branch on.
        public static let other = Self(.other)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. May name files and SQL, never bound values; never returned to an API client.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { [.busy, .full, .io].contains(self.code) }

    public init(
        _ code: Code,
        _ message: String,
        cause: (any Error)? = nil,
        fileID: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.location = "\(fileID):\(line)"
    }
}

extension SQLiteError {
    /// Translates a result of the C library.
    ///
    /// - Parameter action: What was tried; the SQL or the file, without values.
    init(
        result: Int32,
        of handle: OpaquePointer?,
        in action: String,
        fileID: StaticString = #fileID,
        line: UInt = #line
    ) {
        let code: Code =
            switch result & 0xff {
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            case SQLITE_FULL: .full
            case SQLITE_IOERR, SQLITE_CANTOPEN: .io
            case SQLITE_CONSTRAINT: .constraint
            default: .other
            }
        let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
        self.init(code, "\(reason) (\(result)) in: \(action)", fileID: fileID, line: line)
    }
}

extension SQLiteError: CustomStringConvertible {
    public var description: String {
        let cause = self.cause.map { "; cause: \($0)" } ?? ""
        return "SQLite \(self.code): \(self.message) [\(self.location)]\(cause)"
    }
}
