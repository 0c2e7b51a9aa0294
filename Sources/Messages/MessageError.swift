/// Bytes that are not a message of ours.
public struct MessageError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case truncated, malformed, unknownKind, newerSchema }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The bytes end in the middle of a field.
        public static let truncated = Self(.truncated)
        /// The bytes break the format, or a field that must be there is missing.
        public static let malformed = Self(.malformed)
        /// A command, event or state that this version does not have.
        public static let unknownKind = Self(.unknownKind)
        /// Written by a program whose schema this one cannot read.
        public static let newerSchema = Self(.newerSchema)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators; carries no user data.
    public var message: String

    /// The same bytes fail again: the record belongs on the dead-letter topic.
    public var isRetriable: Bool { false }

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
