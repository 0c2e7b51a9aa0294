import CMicrohttpd
import Glibc

/// A response in the library's hands, until it is queued.
struct ResponseDraft: ~Copyable {
    private let pointer: OpaquePointer
    /// Bytes of the body; `nil` for a stream.
    let length: Int?

    /// - Returns: `nil` if there is no memory, or the file was sent already.
    init?(_ response: HTTPResponse, exchange: Exchange?, connection: Connection, isHead: Bool) {
        let made: OpaquePointer?
        switch response.body {
        case .bytes(let bytes):
            self.length = bytes.count
            made = bytes.withUnsafeBytes {
                // Copied, so never written to.
                MHD_create_response_from_buffer(
                    $0.count,
                    UnsafeMutableRawPointer(mutating: $0.baseAddress),
                    .RESPMEM_MUST_COPY
                )
            }
        case .file(let file):
            self.length = file.length
            guard let descriptor = file.take() else { return nil }
            made = MHD_create_response_from_fd_at_offset64(UInt64(file.length), descriptor, UInt64(file.offset))
            // Else the library closes it with the response.
            if made == nil { close(descriptor) }
        case .stream(let stream):
            self.length = nil
            if let exchange, !isHead {
                made = Self.makeStream(exchange, connection, length: stream.length)
            } else if let length = stream.length {
                // Its length is told, and nothing of it is asked for.
                made = MHD_create_response_from_callback(
                    UInt64(length),
                    1024,
                    { _, _, _, _ in MHD_CONTENT_READER_END_WITH_ERROR },
                    nil,
                    nil
                )
            } else {
                // For HEAD the library would send the end of a chunked body.
                made = MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
            }
        }
        guard let made else { return nil }
        self.pointer = made
    }

    deinit { MHD_destroy_response(self.pointer) }

    /// - Returns: Whether all were valid.
    func addHeaders(of response: HTTPResponse, requestID: String, closes: Bool) -> Bool {
        if let type = response.contentType, !self.add("Content-Type", type) { return false }
        guard self.add("X-Request-ID", requestID) else { return false }
        for header in response.headers where !self.add(header.name, header.value) { return false }
        return !closes || self.add("Connection", "close")
    }

    private func add(_ name: String, _ value: String) -> Bool {
        MHD_add_response_header(self.pointer, name, value) == .YES
    }

    func queue(on connection: OpaquePointer, status: UInt32) -> MHD_Result {
        MHD_queue_response(connection, status, self.pointer)
    }

    /// What a stream's callbacks need, for as long as the library keeps the response.
    private final class Source {
        let exchange: Exchange
        let connection: Connection
        init(_ exchange: Exchange, _ connection: Connection) {
            self.exchange = exchange
            self.connection = connection
        }
    }

    private static func makeStream(
        _ exchange: Exchange,
        _ connection: Connection,
        length: Int?
    ) -> OpaquePointer? {
        let source = Unmanaged.passRetained(Source(exchange, connection))
        let made = MHD_create_response_from_callback(
            length.map { UInt64($0) } ?? MHDX_SIZE_UNKNOWN,
            65_536,
            { context, _, buffer, room in
                guard let context, let buffer else { return MHD_CONTENT_READER_END_WITH_ERROR }
                let source = Unmanaged<Source>.fromOpaque(context).takeUnretainedValue()
                let count = source.exchange.pull(into: UnsafeMutableRawBufferPointer(start: buffer, count: room))
                // Waiting for the producer has no bound here, waiting for the client has.
                source.connection.expectDownload(of: count > 0 ? count : nil)
                return count
            },
            source.toOpaque(),
            { context in
                if let context { Unmanaged<Source>.fromOpaque(context).release() }
            }
        )
        if made == nil { source.release() }
        return made
    }
}
