/// An error of the server, or of a body that it carries.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case addressInUse, cannotListen, descriptorLimit, alreadyStarted, invalidConfiguration, invalidRoute
            case clientClosed, bodyTooLarge, cancelled, malformedMultipart, limitExceeded, io
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Another process listens on that port.
        public static let addressInUse = Self(.addressInUse)
        /// The address cannot be listened on for another reason.
        public static let cannotListen = Self(.cannotListen)
        /// The process may not open as many descriptors as the connection limit asks for.
        public static let descriptorLimit = Self(.descriptorLimit)
        /// A server starts once.
        public static let alreadyStarted = Self(.alreadyStarted)
        /// A setting is out of its range.
        public static let invalidConfiguration = Self(.invalidConfiguration)
        /// Two routes are the same, or a pattern is not one.
        public static let invalidRoute = Self(.invalidRoute)
        /// The client left, or was cut off, before the body was over.
        public static let clientClosed = Self(.clientClosed)
        /// A body without a declared length went over its limit.
        public static let bodyTooLarge = Self(.bodyTooLarge)
        /// The task that waited for the body was cancelled.
        public static let cancelled = Self(.cancelled)
        /// The body is not what its multipart content type says.
        public static let malformedMultipart = Self(.malformedMultipart)
        /// A multipart body has more parts, or longer part heads, than it may.
        public static let limitExceeded = Self(.limitExceeded)
        /// The system refused to read or write.
        public static let io = Self(.io)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { self.code == .addressInUse }

    public var description: String { "\(self.code): \(self.message)" }

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
