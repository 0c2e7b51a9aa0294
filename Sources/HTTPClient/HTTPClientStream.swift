/// An answer whose body is read while it comes.
///
/// One task reads. A slow reader slows the server down: no more than 256 KiB wait. Letting go of the stream ends the request.
public final class HTTPClientStream: Sendable {
    let pipe = StreamPipe()
    private let loop: TransferLoop
    private let number: UInt64

    init(loop: TransferLoop, number: UInt64) {
        self.loop = loop
        self.number = number
    }

    deinit { self.cancel() }

    /// Ends the request; ``next()`` then throws `cancelled`.
    public func cancel() { self.loop.send(.cancel(self.number)) }

    /// Status and headers; the body is empty.
    ///
    /// - Throws: ``HTTPClientError`` if none came.
    public func head() async throws(HTTPClientError) -> HTTPClientResponse { try await self.pipe.head().get() }

    /// The next bytes as they came, not cut at any boundary; `nil` at the end.
    ///
    /// - Throws: ``HTTPClientError``; `cancelled` when the task is cancelled, which ends the request.
    public func next() async throws(HTTPClientError) -> [UInt8]? {
        let step = await withTaskCancellationHandler {
            await self.pipe.next()
        } onCancel: {
            self.cancel()
        }
        switch step {
        case .piece(let bytes, let mustResume):
            if mustResume { self.loop.send(.resume(self.number)) }
            return bytes
        case .end(let result):
            try result.get()
            return nil
        }
    }

    func waitForHead() async throws(HTTPClientError) {
        let result = await withTaskCancellationHandler {
            await self.pipe.head()
        } onCancel: {
            self.cancel()
        }
        _ = try result.get()
    }
}
