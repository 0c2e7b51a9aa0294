import Glibc

/// What the agent could not do.
struct AgentError: Error, Sendable {
    /// What a caller decides by.
    struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case resources, missingProgram, hostGone, protocolBroken }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The kernel gave no process, descriptor or memory.
        static let resources = Self(.resources)
        /// An interpreter is not in this sandbox.
        static let missingProgram = Self(.missingProgram)
        /// The host closed the connection.
        static let hostGone = Self(.hostGone)
        /// The host sent what is not a frame.
        static let protocolBroken = Self(.protocolBroken)

        var description: String { self.base.rawValue }
    }

    var code: Code
    var message: String
    var cause: (any Error)?

    /// Whether the same may work later.
    var isRetriable: Bool { self.code == .resources }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Of a call that answered with a negative `errno`.
    init(errno number: Int32, in action: String) {
        let isMissing = number == ENOENT || number == EACCES || number == ENOEXEC
        self.init(isMissing ? .missingProgram : .resources, "\(action): \(String(cString: strerror(number)))")
    }
}
