/// Why a client command failed, in words for whoever typed it.
struct CLIError: Error, Sendable, CustomStringConvertible {
    struct Code: Hashable, Sendable {
        private enum Base: String { case unreachable, refused, file }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// No server answered.
        static let unreachable = Self(.unreachable)
        /// The server said no; ``CLIError/message`` has its reason.
        static let refused = Self(.refused)
        /// A file of this machine cannot be read or written.
        static let file = Self(.file)
    }

    var code: Code
    /// Says what happened and what to do.
    var message: String
    var cause: (any Error)?

    var isRetriable: Bool { self.code == .unreachable }
    var description: String { self.message }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}
