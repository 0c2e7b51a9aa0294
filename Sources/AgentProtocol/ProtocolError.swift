/// A frame that cannot be read or sent.
public struct ProtocolError: Error, Sendable {
    /// What is wrong with the frame.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case frameTooLong, malformed, unknownKind }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// It is longer than ``Frame/maximumLength``.
        public static let frameTooLong = Self(.frameTooLong)
        /// A field is cut off, missing or not of its type.
        public static let malformed = Self(.malformed)
        /// Its kind is not one that this side understands.
        public static let unknownKind = Self(.unknownKind)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. Names fields and lengths, never their content.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Never: the same bytes are as wrong the second time, and a stream is out of step after them.
    public var isRetriable: Bool { false }

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
