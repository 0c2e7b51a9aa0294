public import SQLite
import ServiceKit

/// A durable log in an SQLite database of this process.
///
/// Publishers that come together share a flush. Consumers are woken, with the messages from memory, right after the
/// commit; the database is read only for those who are behind. What is confirmed survives as ``Durability`` says.
public final class EmbeddedBus: TransactionalMessageBus {
    public let writer: SerialWriter
    let configuration: EmbeddedBusConfiguration
    let pending = PendingChanges()
    let reader: SerialReader
    let topics: Locked<[String: TopicLog]>
    /// Closes the writer with the bus, if it is the bus's own.
    private let ownsWriter: Bool
    private let lock: FileLock?

    /// Opens or creates a log in a database of its own.
    ///
    /// - Throws: ``BusError``, `unavailable` with an `SQLiteError` `locked` as its cause if another process uses the file.
    public static func open(
        path: String,
        configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration()
    ) async throws(BusError) -> EmbeddedBus {
        do {
            let lock = try FileLock(path: path + ".lock")
            let writer = try await SerialWriter.open(path: path)
            return try await EmbeddedBus(writer: writer, configuration: configuration, lock: lock)
        } catch {
            throw BusError(error, "cannot open the log \(path)")
        }
    }

    /// Opens or creates a log in a database that others write to as well, through the same writer.
    ///
    /// The caller sees to it that no other process uses the database, and closes the writer after the bus.
    public convenience init(
        writer: SerialWriter,
        configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration()
    ) async throws(BusError) {
        do {
            try await self.init(writer: writer, configuration: configuration, lock: nil)
        } catch {
            throw BusError(error, "cannot open the log in \(writer.path)")
        }
    }

    private init(writer: SerialWriter, configuration: EmbeddedBusConfiguration, lock: FileLock?) async throws {
        let bounds = PartitionTail.Bounds(count: configuration.tailCount, bytes: configuration.tailBytes)
        let topics = try await writer.write { connection in
            try connection.migrate("bus", LogSchema.migrations)
            return try LogLoader(connection: connection, tailBounds: bounds).topics()
        }
        self.writer = writer
        self.configuration = configuration
        self.reader = try SerialReader(path: writer.path)
        self.topics = Locked(Dictionary(uniqueKeysWithValues: topics.map { ($0.name, $0) }))
        self.ownsWriter = lock != nil
        self.lock = lock
    }

    /// Ends every subscription and follower, and returns when what was published before is committed.
    public func close() async {
        for topic in self.topics.withLock({ Array($0.values) }) { topic.update { $0.end() } }
        await self.reader.close()
        if self.ownsWriter { await self.writer.close() }
        self.lock?.release()
    }

    func topic(_ name: String) throws(BusError) -> TopicLog {
        guard let topic = self.topics.withLock({ $0[name] }) else {
            throw BusError(.unknownTopic, "there is no topic \(name)")
        }
        return topic
    }

    // MARK: Consumers

    public func subscribe(to topic: String, group: String) async throws(BusError) -> any MessageSubscription {
        let topic = try self.topic(topic)
        let consumer = topic.state.withLock { state in state.hasEnded ? nil : state.subscribe(group) }
        guard let consumer, case .member(let group, let id) = consumer else {
            throw BusError(.closed, "the bus is closed")
        }
        return EmbeddedSubscription(bus: self, topic: topic, group: group, id: id)
    }

    public func follow(_ topic: String, from offsets: [Int: Int64]) async throws(BusError) -> any MessageFollower {
        let topic = try self.topic(topic)
        let wanted = topic.tables.indices.map { offsets[$0] ?? 0 }
        let (ends, consumer) = topic.state.withLock { state in
            let ends = state.tails.map(\.end)
            let isPossible = !state.hasEnded && zip(wanted, ends).allSatisfy { $0 >= 0 && $0 <= $1 }
            return (ends, isPossible ? state.follow(from: wanted) : nil)
        }
        guard let consumer else {
            if topic.state.withLock({ $0.hasEnded }) { throw BusError(.closed, "the bus is closed") }
            throw BusError(.offsetOutOfRange, "\(topic.name) ends at \(ends), following from \(wanted) was asked for")
        }
        return EmbeddedFollower(bus: self, topic: topic, consumer: consumer, startEndOffsets: ends)
    }

    public func endOffsets(of topic: String) async throws(BusError) -> [Int64] {
        try self.topic(topic).state.withLock { $0.tails.map(\.end) }
    }

    public func lag(of group: String, on topic: String) async throws(BusError) -> [Int64] {
        let topic = try self.topic(topic)
        let committed = topic.committed(group)
        return zip(topic.state.withLock { $0.tails.map(\.end) }, committed).map { $0 - $1 }
    }
}

extension BusError {
    /// Translates what the database threw.
    init(_ error: any Error, _ message: String, fileID: StaticString = #fileID, line: UInt = #line) {
        switch error {
        case let error as BusError:
            self = error
        case let error as SQLiteError where error.isRetriable || error.code == .locked:
            self.init(.unavailable, message, cause: error, fileID: fileID, line: line)
        case let error as SQLiteError where error.code == .closed:
            self.init(.closed, message, cause: error, fileID: fileID, line: line)
        default:
            self.init(.storage, message, cause: error, fileID: fileID, line: line)
        }
    }
}
