/// Takes the pieces of a response's body.
public struct HTTPBodyWriter: Sendable {
    let exchange: Exchange

    /// Whether the server is being stopped: a stream that has no end of its own should end now.
    public var isDraining: Bool { self.exchange.isDraining }

    /// Returns once the piece is on its way: a client that reads slowly makes the producer wait.
    ///
    /// - Throws: ``HTTPServerError``: `.clientClosed` if the client left, `.cancelled`.
    public func write(_ bytes: [UInt8]) async throws(HTTPServerError) {
        if !bytes.isEmpty { try await self.exchange.writePiece(bytes) }
    }
}
