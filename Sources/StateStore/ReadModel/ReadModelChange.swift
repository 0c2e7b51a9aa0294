public import Messages

/// What the read model is to hold from now on under one key.
public struct ReadModelChange: Sendable {
    public var key: StateKey
    /// `nil` when the thing is gone.
    public var record: StateRecord?

    public init(key: StateKey, record: StateRecord?) {
        self.key = key
        self.record = record
    }
}

/// A part of a list, and how long the whole is.
public struct Page<Item: Sendable>: Sendable {
    public var items: [Item]
    /// Items that match, on this page or not.
    public var total: Int

    public init(items: [Item], total: Int) {
        self.items = items
        self.total = total
    }
}
