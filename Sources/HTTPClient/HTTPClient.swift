import CCurl
import ServiceKit
import Synchronization

/// Sends requests over TCP and Unix sockets, and keeps connections for the next ones.
///
/// One thread of its own drives any number of requests through libcurl; it sleeps while nothing moves. Where libcurl
/// finds that a kept connection was dead before anything came back, it sends the request once more on a new one.
/// Proxies of the environment are used, but never for loopback addresses and Unix sockets.
/// Letting go of the client ends the thread.
public final class HTTPClient: Sendable {
    private let loop: TransferLoop
    private let lastNumber = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - maxConnectionsPerHost: Requests beyond that wait for one to be free. Defaults to 64.
    /// - Throws: ``HTTPClientError`` when the system has no thread or no memory.
    public init(maxConnectionsPerHost: Int = 64) throws(HTTPClientError) {
        self.loop = try TransferLoop(maxConnectionsPerHost: maxConnectionsPerHost)
        do {
            try DedicatedThread.start(name: "http-client") { [loop] in loop.run() }
        } catch {
            throw HTTPClientError(.other, "no thread for the HTTP client", cause: error)
        }
    }

    deinit { self.loop.close() }

    /// Refuses further requests, and cancels those that run.
    public func close() { self.loop.close() }

    /// Sends a request, and returns when all of the answer is in memory.
    ///
    /// - Throws: ``HTTPClientError``; `cancelled` at once when the task is cancelled.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        try await self.perform(request, .memory)
    }

    /// Sends a request, and hands over the body of a 2xx answer as it comes; any other body is in the response.
    ///
    /// - Parameter receive: Is lent each piece on the client's thread, so it must not block. `false` stops the request.
    /// - Throws: ``HTTPClientError``; `cancelled` when the task is cancelled, or `receive` wanted no more.
    public func send(
        _ request: HTTPClientRequest,
        receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        try await self.perform(request, .callback { receive($0) ? .taken : .refused })
    }

    /// Sends a request, and writes the body of a 2xx answer to a file; any other body is in the response.
    ///
    /// - Parameter descriptor: A file open for writing: writing happens on the client's thread, and must not block.
    /// - Throws: ``HTTPClientError``; `other` when the file cannot be written.
    public func download(
        _ request: HTTPClientRequest,
        to descriptor: Int32
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        try await self.perform(request, .file(descriptor))
    }

    /// Sends a request, and returns when the head of the answer is there; the body is read piece by piece.
    ///
    /// The request's timeout covers the body too: set it to `nil` for streams without an end.
    /// - Throws: ``HTTPClientError``.
    public func stream(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientStream {
        let number = self.lastNumber.add(1, ordering: .relaxed).newValue
        let stream = HTTPClientStream(loop: self.loop, number: number)
        self.loop.send(
            .start(
                Transfer.Order(
                    number: number,
                    request: request,
                    sink: .stream(stream.pipe),
                    finish: { [pipe = stream.pipe] in pipe.finish($0) }
                )
            )
        )
        try await stream.waitForHead()
        return stream
    }

    private func perform(
        _ request: HTTPClientRequest,
        _ sink: Transfer.Sink
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let number = self.lastNumber.add(1, ordering: .relaxed).newValue
        let result: Result<HTTPClientResponse, HTTPClientError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let order = Transfer.Order(number: number, request: request, sink: sink) {
                    continuation.resume(returning: $0)
                }
                self.loop.send(.start(order))
                // Cancelled before: the handler below may have gone ahead of the order.
                if Task.isCancelled { self.loop.send(.cancel(number)) }
            }
        } onCancel: {
            self.loop.send(.cancel(number))
        }
        return try result.get()
    }
}
