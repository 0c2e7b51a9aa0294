/// The newest known record of each thing, which never goes back in time.
public protocol StatusCache: Sendable {
    /// Stores entries. One whose version is lower than what is stored changes nothing.
    ///
    /// - Parameter lifetime: Entries that nobody puts again are forgotten after it; more than zero.
    func put(_ entries: [StatusEntry], lifetime: Duration) async throws(CoordinationError)

    /// The entries under the keys, in order; `nil` for what is not there.
    func entries(_ keys: [String]) async throws(CoordinationError) -> [StatusEntry?]

    /// Removes entries, and for `lifetime` keeps out what is not newer than what was removed.
    func remove(_ removals: [StatusRemoval], lifetime: Duration) async throws(CoordinationError)
}

extension StatusCache {
    public func put(_ entry: StatusEntry, lifetime: Duration) async throws(CoordinationError) {
        try await self.put([entry], lifetime: lifetime)
    }

    /// Removes what is stored under the keys now.
    public func remove(_ keys: [String], lifetime: Duration) async throws(CoordinationError) {
        try await self.remove(keys.map { StatusRemoval(key: $0) }, lifetime: lifetime)
    }
}

/// A record of some version.
public struct StatusEntry: Sendable, Hashable {
    /// Not empty.
    public var key: String
    /// Not negative.
    public var version: Int
    public var value: [UInt8]

    public init(key: String, version: Int, value: [UInt8]) {
        self.key = key
        self.version = version
        self.value = value
    }
}

/// The end of a record.
public struct StatusRemoval: Sendable, Hashable {
    public var key: String
    /// The last version that is to go; an entry of a higher one stays. `nil` for whatever is stored.
    public var version: Int?

    public init(key: String, version: Int? = nil) {
        self.key = key
        self.version = version
    }
}
