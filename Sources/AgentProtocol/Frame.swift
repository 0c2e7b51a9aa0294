/// One message between a host and the agent in a sandbox: a kind, and a payload of tagged fields.
///
/// On the wire: the length of what follows (`UInt32`, little-endian), the kind (one byte), the payload. A payload is a
/// sequence of fields: tag (one byte), length (`UInt32`), bytes. Numbers are 8 bytes, little-endian. A reader skips tags
/// that it does not know, so either side may be the newer one.
public struct Frame: Sendable, Equatable {
    /// Kind and payload together are never longer, in bytes: 16 MiB. A longer frame is not sent, and ends a connection
    /// on which it is announced.
    public static let maximumLength = 16 << 20

    /// What the fields mean; see ``FrameKind``.
    public var kind: UInt8
    public var payload: [UInt8]

    public init(kind: UInt8, payload: [UInt8]) {
        self.kind = kind
        self.payload = payload
    }
}

/// The kinds in use. A number is never used again for another meaning.
enum FrameKind {
    // Host to agent.
    static let configure: UInt8 = 1
    static let execute: UInt8 = 2
    static let cancel: UInt8 = 3
    static let shutdown: UInt8 = 4

    // Agent to host.
    static let ready: UInt8 = 65
    static let ended: UInt8 = 66
    static let fault: UInt8 = 67
    /// Kept for pieces of output while a program runs: neither sent nor understood today.
    static let output: UInt8 = 68
}
