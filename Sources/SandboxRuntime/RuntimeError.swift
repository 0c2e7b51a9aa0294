/// An error of a runtime, a sandbox or a workspace.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case unknownImage, invalidSpec, unavailable, startFailed, startTimedOut, cancelled, busy, sandboxLost
            case unsupported, exhausted, invalidOrder
            case invalidPath, fileNotFound, notARegularFile, diskFull, fileFailed
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// No image has this name here; the message lists those that have.
        public static let unknownImage = Self(.unknownImage)
        /// The spec breaks a rule, whatever the host.
        public static let invalidSpec = Self(.invalidSpec)
        /// No sandbox can start on this host until someone changes it; the message says what.
        public static let unavailable = Self(.unavailable)
        /// This sandbox did not start; the message holds what was printed.
        public static let startFailed = Self(.startFailed)
        /// The agent was not ready in time; what had started is gone.
        public static let startTimedOut = Self(.startTimedOut)
        /// The caller's task was cancelled; what had started is gone.
        public static let cancelled = Self(.cancelled)
        /// The sandbox runs another order.
        public static let busy = Self(.busy)
        /// The sandbox is dead. An order that was running has no outcome but this.
        public static let sandboxLost = Self(.sandboxLost)
        /// This runtime or host cannot do that.
        public static let unsupported = Self(.unsupported)
        /// The host has no room for one more: descriptors, processes, user ids.
        public static let exhausted = Self(.exhausted)
        /// The order breaks a rule (too large, a NUL in its environment); it was not started.
        public static let invalidOrder = Self(.invalidOrder)
        /// The path breaks a rule, or leads out of the workspace. Nothing was touched.
        public static let invalidPath = Self(.invalidPath)
        public static let fileNotFound = Self(.fileNotFound)
        /// A directory, link, device, socket or pipe where a file is wanted.
        public static let notARegularFile = Self(.notARegularFile)
        public static let diskFull = Self(.diskFull)
        /// The system refused; the cause tells why.
        public static let fileFailed = Self(.fileFailed)

        public var description: String { self.base.rawValue }

        /// The code that is described so; `nil` for one of another version.
        public init?(description: String) {
            guard let base = Base(rawValue: description) else { return nil }
            self.base = base
        }
    }

    public var code: Code
    /// For operators, and for clients where the code is about what they sent. Never code, output or environment.
    public var message: String
    /// What a lower layer reported.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool {
        switch self.code {
        case .busy, .exhausted, .startTimedOut, .diskFull: true
        default: false
        }
    }

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

    public var description: String {
        let cause = self.cause.map { " (\($0))" } ?? ""
        return "\(self.code): \(self.message)\(cause)"
    }
}
