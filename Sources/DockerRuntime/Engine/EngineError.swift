import HTTPClient
import SandboxRuntime

/// What the Docker daemon refused, or could not be asked.
struct EngineError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms of a caller that has to decide.
    struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case unreachable, timedOut, notFound, conflict, refused, failed, notUnderstood }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Nobody answers at the socket.
        static let unreachable = Self(.unreachable)
        /// The daemon took too long. It may still carry out what it was asked.
        static let timedOut = Self(.timedOut)
        /// 404: no such container, image or network.
        static let notFound = Self(.notFound)
        /// 304 or 409: the container is in another state, or the name is taken.
        static let conflict = Self(.conflict)
        /// Another 4xx: the daemon does not take the request.
        static let refused = Self(.refused)
        /// 5xx: it tried and failed.
        static let failed = Self(.failed)
        /// The answer is not what the API says.
        static let notUnderstood = Self(.notUnderstood)

        var description: String { self.base.rawValue }
    }

    var code: Code
    /// For operators: what the daemon said.
    var message: String
    var cause: (any Error)?

    /// Whether the same call may succeed later.
    var isRetriable: Bool { self.code == .unreachable || self.code == .timedOut || self.code == .failed }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    init(_ error: HTTPClientError, host: DockerHost) {
        switch error.code {
        case .timedOut:
            self.init(.timedOut, "the Docker daemon at \(host) does not answer in time", cause: error)
        case .couldNotConnect, .connectionLost, .closed:
            self.init(
                .unreachable,
                "no Docker daemon answers at \(host): is it running, and may we open it?",
                cause: error
            )
        default:
            self.init(.failed, "the Docker daemon at \(host) cannot be asked", cause: error)
        }
    }

    var description: String { "\(self.code): \(self.message)" }
}

extension RuntimeError {
    /// - Parameter action: What was tried, such as `start the container`.
    init(_ error: EngineError, trying action: String, fileID: StaticString = #fileID, line: UInt = #line) {
        let code: Code =
            switch error.code {
            case .unreachable, .notUnderstood: .unavailable
            case .timedOut: .startTimedOut
            case .failed where error.message.contains("no space left on device"): .diskFull
            default: .startFailed
            }
        self.init(code, "cannot \(action): \(error.message)", cause: error, fileID: fileID, line: line)
    }
}
