/// An error of a message bus, or of its use.
public struct BusError: Error, Sendable {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case unknownTopic, partitionMismatch, invalidMessage, offsetOutOfRange, notHeld, closed, unavailable,
                storage
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// No such topic; see ``MessageBus/ensureTopics(_:)``.
        public static let unknownTopic = Self(.unknownTopic)
        /// The topic exists with another number of partitions.
        public static let partitionMismatch = Self(.partitionMismatch)
        /// The message, or the configuration of a topic, names something that there is not.
        public static let invalidMessage = Self(.invalidMessage)
        /// The offset lies beyond the end of the log.
        public static let offsetOutOfRange = Self(.offsetOutOfRange)
        /// The delivery is not in the hands of this member.
        public static let notHeld = Self(.notHeld)
        /// The bus, or the subscription, was closed.
        public static let closed = Self(.closed)
        /// The bus cannot take it now: a full disk, a lost connection.
        public static let unavailable = Self(.unavailable)
        /// What is stored cannot be read or written. Not for callers to branch on.
        public static let storage = Self(.storage)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. May name topics and groups, never keys or bodies; never returned to an API client.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { self.code == .unavailable }

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

extension BusError: CustomStringConvertible {
    public var description: String {
        let cause = self.cause.map { "; cause: \($0)" } ?? ""
        return "message bus \(self.code): \(self.message) [\(self.location)]\(cause)"
    }
}
