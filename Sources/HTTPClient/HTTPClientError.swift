import CCurl

/// A request that got no answer, or not all of it. An answer of any status is no error.
public struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case couldNotConnect, timedOut, connectionLost, tooLarge, cancelled, closed, badRequest, other
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Nobody listens there, or the name is unknown. Nothing was sent.
        public static let couldNotConnect = Self(.couldNotConnect)
        /// The request's time ran out. It may have been carried out.
        public static let timedOut = Self(.timedOut)
        /// The connection broke off. The request may have been carried out.
        public static let connectionLost = Self(.connectionLost)
        /// The answer's body is larger than the request allows.
        public static let tooLarge = Self(.tooLarge)
        /// The task was cancelled, or who takes the body wants no more.
        public static let cancelled = Self(.cancelled)
        /// The client was closed.
        public static let closed = Self(.closed)
        /// The request cannot be sent as it is: its URL, a header, its file.
        public static let badRequest = Self(.badRequest)
        /// Not for callers to branch on.
        public static let other = Self(.other)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators. May name hosts and paths, never a header's or a body's content.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?

    /// Whether the same call may succeed later. A request that changes something may then be carried out twice.
    public var isRetriable: Bool {
        self.code == .couldNotConnect || self.code == .timedOut || self.code == .connectionLost
    }

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    init(result: CURLcode, detail: String) {
        let code: Code =
            switch result {
            case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .couldNotConnect
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE: .connectionLost
            case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_READ_ERROR: .badRequest
            default: .other
            }
        self.init(code, detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail)
    }

    public var description: String { "\(self.code): \(self.message)" }
}
