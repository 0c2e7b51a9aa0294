import COpenSSL

/// libcrypto refused to work.
public struct CryptoError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case noRandomness, other }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The system gives no random bytes. Nothing secret may be made.
        public static let noRandomness = Self(.noRandomness)
        /// Not for callers to branch on: no memory, or a provider that is not there.
        public static let other = Self(.other)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// For operators.
    public var message: String
    /// What a lower layer threw.
    public var cause: (any Error)?
    /// Whether the same call may succeed later: it is a state of the machine, which may pass.
    public var isRetriable: Bool { true }

    init(_ code: Code, _ message: String) {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        let reason = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.code = code
        self.message = "\(message): \(reason)"
    }

    public var description: String { "\(self.code): \(self.message)" }
}
