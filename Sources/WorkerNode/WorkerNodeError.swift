/// An error of the worker node itself; those of sandboxes are `RuntimeError`.
public struct WorkerNodeError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case folderFailed, workspaceLost, invalidName, noCapacity, shutDown }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// A folder could not be made, read or removed.
        public static let folderFailed = Self(.folderFailed)
        /// The files of a session that ran here before are gone.
        public static let workspaceLost = Self(.workspaceLost)
        /// A name that came with a command cannot be a folder's.
        public static let invalidName = Self(.invalidName)
        /// The node holds as many sessions as it may.
        public static let noCapacity = Self(.noCapacity)
        /// The worker stops, and begins nothing more.
        public static let shutDown = Self(.shutDown)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. May name folders, never code, output or environment.
    public var message: String
    /// What a lower layer reported.
    public var cause: (any Error)?
    /// Where the error was raised, for logs.
    public var location: String

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { self.code == .folderFailed || self.code == .noCapacity }

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
