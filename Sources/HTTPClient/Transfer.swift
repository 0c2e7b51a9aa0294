import CCurl
import Glibc

/// One request on its way. Lives on the client's thread.
final class Transfer {
    /// What became of a piece of a body.
    enum Verdict: Sendable {
        case taken
        /// No room: the same piece comes again after a `resume`.
        case later
        /// Nobody wants it: the request ends.
        case refused
    }

    /// Where the body of a 2xx answer goes.
    enum Sink: Sendable {
        case memory
        case callback(@Sendable (UnsafeRawBufferPointer) -> Verdict)
        case file(Int32)
        /// Of any status.
        case stream(StreamPipe)
    }

    struct Order: Sendable {
        var number: UInt64
        var request: HTTPClientRequest
        var sink: Sink
        var finish: @Sendable (Result<HTTPClientResponse, HTTPClientError>) -> Void
    }

    let order: Order
    let handle: UnsafeMutableRawPointer
    /// Whether the multi handle knows it.
    var isAdded = false
    private var response = HTTPClientResponse(status: 0)
    private var source: BodySource
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Why a callback of ours stopped libcurl, which itself only knows that it was stopped.
    private var ownError: HTTPClientError?

    init(_ order: Order, handle: UnsafeMutableRawPointer) {
        self.order = order
        self.handle = handle
        self.source = BodySource(order.request.body ?? [])
        self.errorText.pointee = 0
    }

    deinit {
        curl_slist_free_all(self.headerList)
        self.errorText.deallocate()
    }

    /// Tells libcurl of the request. Returns what is wrong with it.
    func prepare() -> HTTPClientError? {
        let request = self.order.request
        let texts = [request.method, request.url] + request.headers.lines.flatMap { [$0.name, $0.value] }
        if texts.contains(where: { $0.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 } }) {
            return HTTPClientError(.badRequest, "a line break or NUL in the method, the URL or a header")
        }
        shim_set_string(self.handle, CURLOPT_URL, request.url)
        shim_set_string(self.handle, CURLOPT_PROTOCOLS_STR, "http,https")
        shim_set_pointer(self.handle, CURLOPT_ERRORBUFFER, self.errorText)
        // libcurl must not raise SIGPIPE or use SIGALRM in a program with threads.
        shim_set_long(self.handle, CURLOPT_NOSIGNAL, 1)
        shim_set_long(self.handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        if let path = request.unixSocketPath { shim_set_string(self.handle, CURLOPT_UNIX_SOCKET_PATH, path) }
        if request.unixSocketPath != nil || Self.isLoopback(request.url) {
            shim_set_string(self.handle, CURLOPT_NOPROXY, "*")
        }
        if request.followsRedirects {
            shim_set_long(self.handle, CURLOPT_FOLLOWLOCATION, 1)
            shim_set_long(self.handle, CURLOPT_MAXREDIRS, 10)
        }
        // 0 would mean no limit.
        if let timeout = request.timeout {
            shim_set_long(self.handle, CURLOPT_TIMEOUT_MS, max(1, Self.milliseconds(timeout)))
        }
        shim_set_long(self.handle, CURLOPT_CONNECTTIMEOUT_MS, max(1, Self.milliseconds(request.connectTimeout)))
        // A child process must not hold a connection that we have closed.
        shim_set_socket_function(self.handle) { _, socket, _ in
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            return CURL_SOCKOPT_OK
        }
        // When a connection that it reuses turns out dead, libcurl sends the request again and says nothing; the server may
        // have got it both times.
        if !request.isIdempotent { shim_set_long(self.handle, CURLOPT_FRESH_CONNECT, 1) }
        self.prepareBody(request)
        self.prepareHeaders(request)
        let me = Unmanaged.passUnretained(self).toOpaque()
        shim_set_transfer_function(self.handle, CURLOPT_HEADERFUNCTION, Self.onHeader)
        shim_set_pointer(self.handle, CURLOPT_HEADERDATA, me)
        shim_set_transfer_function(self.handle, CURLOPT_WRITEFUNCTION, Self.onBody)
        shim_set_pointer(self.handle, CURLOPT_WRITEDATA, me)
        return nil
    }

    private func prepareBody(_ request: HTTPClientRequest) {
        if request.body == nil {
            if request.method == "HEAD" { shim_set_long(self.handle, CURLOPT_NOBODY, 1) }
        } else if case .bytes(let bytes)? = request.body?.first, request.body?.count == 1 {
            // Head and body leave in one packet.
            shim_set_size(self.handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            bytes.withUnsafeBytes {
                // A body of nothing has no address, and a null one would make libcurl ask a callback.
                var empty: UInt8 = 0
                if let address = $0.baseAddress {
                    shim_set_pointer(self.handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: address))
                } else {
                    shim_set_pointer(self.handle, CURLOPT_COPYPOSTFIELDS, &empty)
                }
            }
        } else {
            let me = Unmanaged.passUnretained(self).toOpaque()
            shim_set_long(self.handle, CURLOPT_UPLOAD, 1)
            shim_set_size(self.handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(self.source.count))
            shim_set_transfer_function(self.handle, CURLOPT_READFUNCTION, Self.onRead)
            shim_set_pointer(self.handle, CURLOPT_READDATA, me)
            shim_set_seek_function(self.handle, Self.onSeek)
            shim_set_pointer(self.handle, CURLOPT_SEEKDATA, me)
        }
        if request.method != "GET" || request.body != nil {
            shim_set_string(self.handle, CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private func prepareHeaders(_ request: HTTPClientRequest) {
        // Waiting for "100 Continue" costs a second with servers that do not know it; `Name:` removes libcurl's own line.
        self.headerList = curl_slist_append(nil, "Expect:")
        if request.body != nil, request.headers["Content-Type"] == nil {
            self.headerList = curl_slist_append(self.headerList, "Content-Type:")
        }
        if request.headers["User-Agent"] == nil {
            self.headerList = curl_slist_append(self.headerList, "User-Agent: sandbox")
        }
        for (name, value) in request.headers.lines {
            // libcurl's way to write a header without a value.
            self.headerList = curl_slist_append(self.headerList, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        shim_set_pointer(self.handle, CURLOPT_HTTPHEADER, self.headerList)
    }

    /// What libcurl's result means for the caller.
    func outcome(of result: CURLcode) -> Result<HTTPClientResponse, HTTPClientError> {
        if result == CURLE_OK { return .success(self.response) }
        return .failure(self.ownError ?? HTTPClientError(result: result, detail: String(cString: self.errorText)))
    }

    private static func isLoopback(_ url: String) -> Bool {
        ["127.", "localhost", "[::1]"].contains { host in
            ["http://", "https://"].contains { url.hasPrefix($0 + host) }
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        // Eleven days are as good as for ever.
        Int(min(duration.components.seconds, 1_000_000)) * 1000
            + Int(duration.components.attoseconds / 1_000_000_000_000_000)
    }
}

/// libcurl's callbacks: each gets the transfer back from the pointer it was given.
extension Transfer {
    private static func of(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
        pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let onHeader:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
        ) -> Int = { bytes, size, count, pointer in
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            Transfer.of(pointer)?.take(line: line)
            return size * count
        }

    private static let onBody:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
        ) -> Int = { bytes, size, count, pointer in
            guard let transfer = Transfer.of(pointer) else { return 0 }
            switch transfer.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) {
            case .taken: return size * count
            case .later: return Int(CURL_WRITEFUNC_PAUSE)
            case .refused: return size * count == 0 ? 1 : 0
            }
        }

    private static let onRead:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
        ) -> Int = { bytes, size, count, pointer in
            let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
            return Transfer.of(pointer)?.source.read(into: buffer) ?? Int(CURL_READFUNC_ABORT)
        }

    private static let onSeek: @convention(c) (UnsafeMutableRawPointer?, curl_off_t, Int32) -> Int32 = {
        pointer,
        offset,
        origin in
        guard let transfer = Transfer.of(pointer), origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
        transfer.source.seek(to: Int(offset))
        return CURL_SEEKFUNC_OK
    }

    private func take(line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            // Another head: the one before was a 1xx, or a redirect that is followed.
            let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) }
            self.response = HTTPClientResponse(status: status ?? 0)
        } else if text == "\r\n" || text == "\n" {
            let isLast = self.response.status >= 200 && !(self.order.request.followsRedirects && self.isRedirect)
            if case .stream(let pipe) = self.order.sink, isLast { pipe.take(head: self.response) }
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let end = value.lastIndex { !$0.isWhitespace }
            self.response.headers.add(String(text[..<colon]), end.map { String(value[...$0]) } ?? "")
        }
    }

    private var isRedirect: Bool {
        (300..<400).contains(self.response.status) && self.response.headers["Location"] != nil
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        switch self.order.sink {
        case .stream(let pipe): return pipe.take(bytes)
        case .callback(let receive) where self.response.isSuccess:
            let verdict = receive(bytes)
            if verdict == .refused { self.ownError = HTTPClientError(.cancelled, "the receiver wants no more") }
            return verdict
        case .file(let descriptor) where self.response.isSuccess: return self.write(bytes, to: descriptor)
        default:
            guard self.response.body.count + bytes.count <= self.order.request.maxBodySize else {
                let words = "the answer's body is larger than \(self.order.request.maxBodySize) bytes"
                self.ownError = HTTPClientError(.tooLarge, words)
                return .refused
            }
            self.response.body.append(contentsOf: bytes)
            return .taken
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Verdict {
        var offset = 0
        while offset < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            if count < 0, errno != EINTR {
                self.ownError = HTTPClientError(.other, "cannot write the body: \(String(cString: strerror(errno)))")
                return .refused
            }
            offset += max(count, 0)
        }
        return .taken
    }
}
