public import SQLite

/// A bus whose log lies in a database that its users may share: their state, what they have consumed and what they
/// publish next are one transaction.
public protocol TransactionalMessageBus: MessageBus {
    /// Where the log is written. Bodies given to it may use the methods below.
    var writer: SerialWriter { get }

    /// Appends the messages as a part of the open transaction, or savepoint, of `connection`.
    ///
    /// Consumers see them once the transaction is committed, and never if it, or the savepoint, is undone.
    /// - Parameter connection: The one that ``writer`` lends.
    /// - Returns: Where each message will lie.
    /// - Throws: ``BusError`` before anything is appended, or `SQLiteError`; let it out of the body, so that all is undone.
    @discardableResult
    func append(_ messages: [OutgoingMessage], on connection: Connection) throws -> PendingAppend

    /// Gives every further message of the topics to `consumer`, if that has taken all before.
    ///
    /// - Parameters:
    ///   - next: By topic and partition, the first offset that the consumer has not taken.
    ///   - connection: The one that ``writer`` lends: nothing is appended between the question and the answer.
    /// - Returns: Whether the consumer gets them; else it is behind, and reads on with ``MessageBus/follow(_:from:)``.
    func attach(_ consumer: any InlineConsumer, next: [String: [Int: Int64]], on connection: Connection)
        throws(BusError) -> Bool

    /// Stops giving messages to the consumer of these topics. The messages that follow stay for its successor.
    func detach(from topics: [String])

    /// Settles deliveries as a part of the open transaction, or savepoint, of `connection`.
    ///
    /// - Parameter subscription: One of this bus that holds them.
    /// - Throws: ``BusError``, as ``MessageSubscription/acknowledge(_:durability:)`` does.
    func acknowledge(
        _ deliveries: [Delivery],
        from subscription: any MessageSubscription,
        on connection: Connection
    ) throws(BusError)

    /// Appends as ``MessageBus/publish(_:durability:)`` does, and calls `completion` on the writer's thread right after
    /// the commit, or at once if the messages are refused.
    ///
    /// For callers that cannot afford the hop to a task. `completion` must be quick: the next commit waits for it.
    func publish(
        _ messages: [OutgoingMessage],
        durability: Durability,
        completion: @escaping @Sendable (Result<Void, BusError>) -> Void
    )
}

/// Takes the messages of a topic within the transaction that appends them: what follows from a message is stored, or is
/// not, along with it.
public protocol InlineConsumer: AnyObject, Sendable {
    /// Takes messages of one topic, in order and each once. Runs on the writer's thread.
    ///
    /// - Throws: Whatever makes the append fail too, with everything else of its savepoint.
    func consume(_ deliveries: [Delivery], on connection: Connection) throws
}

/// Where messages will lie once the transaction they were appended in is committed.
public struct PendingAppend: Sendable, Hashable {
    public struct Position: Sendable, Hashable {
        public var topic: String
        public var partition: Int
        public var offset: Int64
    }

    /// One for each message, in order.
    public var positions: [Position]
}
