public import ServiceKit

/// Runs a server until the group asks it to stop; then it drains.
public struct HTTPService: Service {
    public let server: HTTPServer
    /// How long requests under way may go on after that.
    public let grace: Duration
    private let onStart: @Sendable (UInt16) -> Void

    /// - Parameter onStart: Told the port when the server listens.
    public init(
        _ server: HTTPServer,
        grace: Duration = .seconds(10),
        onStart: @escaping @Sendable (UInt16) -> Void = { _ in }
    ) {
        self.server = server
        self.grace = grace
        self.onStart = onStart
    }

    /// - Throws: ``HTTPServerError`` if the server cannot start.
    public func run() async throws {
        // Started before by the caller, say to learn the port, it is only waited for.
        self.onStart(try self.server.port ?? self.server.start())
        do {
            try await gracefulShutdown()
        } catch {
            await self.server.stop(grace: .zero)
            throw error
        }
        await self.server.stop(grace: self.grace)
    }
}
