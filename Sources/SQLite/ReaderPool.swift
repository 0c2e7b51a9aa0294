import ServiceKit

/// Read-only connections for point reads on the calling thread.
///
/// A read by key takes microseconds, less than a hop to another thread. Longer reads belong to ``SerialReader``.
public final class ReaderPool: Sendable {
    /// A connection at rest. Sound: it is used by whoever took it out of the pool, alone.
    private struct Resting: @unchecked Sendable {
        let connection: Connection
    }

    public let path: String
    private let maximumIdle: Int
    private let resting = Locked<[Resting]>([])

    /// - Parameters:
    ///   - path: Of a database that exists.
    ///   - maximumIdle: Connections kept open. More are opened when more threads read at once, and closed after.
    public init(path: String, maximumIdle: Int = 4) {
        self.path = path
        self.maximumIdle = maximumIdle
    }

    /// Lends a connection to `body`, which sees what was committed when its first statement started.
    ///
    /// - Throws: What `body` throws, or ``SQLiteError`` if the database cannot be opened.
    public func read<T>(_ body: (Connection) throws -> T) throws -> T {
        let connection =
            try self.resting.withLock { $0.popLast() }?.connection
            ?? Connection(path: self.path, access: .readOnly)
        defer {
            let isKept = self.resting.withLock { resting in
                guard resting.count < self.maximumIdle else { return false }
                resting.append(Resting(connection: connection))
                return true
            }
            // Else closed here, outside of the lock, by the end of its life.
            _ = isKept
        }
        return try body(connection)
    }
}
