/// A service group ended though nobody asked it to.
public struct ServiceGroupError: Error, Sendable, CustomStringConvertible {
    /// What happened, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case endedUnasked }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// A service returned before it was asked to stop.
        public static let endedUnasked = Self(.endedUnasked)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators: names the service.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Whether the same call may succeed later: no, the process starts anew.
    public var isRetriable: Bool { false }

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { "\(self.code): \(self.message)" }
}
