/// An error of coordination, or of its use.
public struct CoordinationError: Error, Sendable {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case unavailable, timedOut, overloaded, closed, refused, invalidArgument, unexpectedReply
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// There is no connection, or it broke off: what was asked for may have been done.
        public static let unavailable = Self(.unavailable)
        /// No answer came in time: what was asked for may have been done, or may still be.
        public static let timedOut = Self(.timedOut)
        /// Too many calls wait for their answers already. Nothing was done.
        public static let overloaded = Self(.overloaded)
        /// It was closed.
        public static let closed = Self(.closed)
        /// The other side knows us and says no: a wrong password, a missing permission.
        public static let refused = Self(.refused)
        /// An argument makes no sense: an empty name, a negative amount. Nothing was done.
        public static let invalidArgument = Self(.invalidArgument)
        /// The answer is not one to this question: somebody else writes to our keys. Not for callers to branch on.
        public static let unexpectedReply = Self(.unexpectedReply)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. May name hosts and keys, never values or passwords; never returned to an API client.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { [.unavailable, .timedOut, .overloaded].contains(self.code) }

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

extension CoordinationError: CustomStringConvertible {
    public var description: String {
        let cause = self.cause.map { "; cause: \($0)" } ?? ""
        return "coordination \(self.code): \(self.message) [\(self.location)]\(cause)"
    }
}
