internal import MessageBus
internal import SQLite

/// Takes the records that follow from decisions, within the transaction that stores the decisions.
protocol DispatcherOutlet: Sendable {
    func append(_ messages: [OutgoingMessage], on connection: Connection) throws
}

/// The log itself: decisions and what follows from them are one transaction.
struct LogOutlet: DispatcherOutlet {
    let bus: any TransactionalMessageBus

    func append(_ messages: [OutgoingMessage], on connection: Connection) throws {
        try self.bus.append(messages, on: connection)
    }
}

/// Keeps the records of one transaction for whoever publishes them after it.
final class CollectingOutlet: DispatcherOutlet, @unchecked Sendable {
    // Sound: touched in bodies and hooks of the one `SerialWriter` only, which run on its thread.
    private var messages: [OutgoingMessage] = []

    func append(_ messages: [OutgoingMessage], on connection: Connection) {
        if self.messages.isEmpty { connection.afterRollback { self.messages = [] } }
        self.messages += messages
    }

    func take() -> [OutgoingMessage] {
        defer { self.messages = [] }
        return self.messages
    }
}
