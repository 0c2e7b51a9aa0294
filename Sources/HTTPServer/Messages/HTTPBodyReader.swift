/// The pieces of a body, as they arrive.
///
/// One piece is kept ready: a client that sends faster than they are taken is made to wait. For one task at a time.
public struct HTTPBodyReader: Sendable {
    private let pull: @Sendable () async throws(HTTPServerError) -> [UInt8]?

    /// A reader of something else than a connection.
    public init(_ next: @escaping @Sendable () async throws(HTTPServerError) -> [UInt8]?) { self.pull = next }

    init(_ exchange: Exchange) { self.pull = { () async throws(HTTPServerError) in try await exchange.readPiece() } }

    /// The next piece, never empty; `nil` at the end of a body that came whole.
    ///
    /// - Throws: ``HTTPServerError``: `.clientClosed` if the client left or the deadline passed, `.bodyTooLarge`, `.cancelled`.
    public func next() async throws(HTTPServerError) -> [UInt8]? { try await self.pull() }
}
