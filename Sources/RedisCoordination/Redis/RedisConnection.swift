import CHiredis
import Coordination
import Glibc

/// One connection to a server, which never blocks; closes it in `deinit`.
///
/// Not `Sendable`: made on the thread that uses it, it never leaves that thread. After an error it is of no use.
final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>
    private let readerFunctions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    /// Something was appended that the socket has not taken yet.
    private(set) var hasUnsent = false

    var socket: Int32 { self.context.pointee.fd }

    /// Begins to connect; the socket is ready for writing when that has worked or failed.
    ///
    /// Looks up the name of a host, which may block for as long as the system's resolver does.
    init(to endpoint: RedisEndpoint) throws(CoordinationError) {
        let context =
            switch endpoint {
            case .tcp(let host, let port): redisConnectNonBlock(host, Int32(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let context else {
            self.readerFunctions.deallocate()
            throw CoordinationError(.unavailable, "no memory for a connection to Redis")
        }
        self.context = context
        shim_bound_arrays(context.pointee.reader, self.readerFunctions)
        // A full backlog of a Unix socket, too, is an error here.
        guard context.pointee.err == 0 else { throw self.error("cannot connect to \(endpoint)") }
        if case .tcp = endpoint { redisEnableKeepAlive(context) }
    }

    deinit {
        redisFree(self.context)
        self.readerFunctions.deallocate()
    }

    /// What became of connecting, once the socket is ready.
    func checkConnected() throws(CoordinationError) {
        var (result, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        let status = getsockopt(self.socket, SOL_SOCKET, SO_ERROR, &result, &size)
        let code = status == 0 ? result : errno
        guard code == 0 else {
            throw CoordinationError(.unavailable, "cannot connect: \(String(cString: strerror(code)))")
        }
    }

    /// Takes an encoded command; ``send()`` sends it.
    func append(_ bytes: [UInt8]) throws(CoordinationError) {
        let result = bytes.withUnsafeBytes { buffer in
            let text = buffer.assumingMemoryBound(to: CChar.self)
            return redisAppendFormattedCommand(self.context, text.baseAddress, text.count)
        }
        guard result == REDIS_OK else { throw self.error("cannot take a command") }
        self.hasUnsent = true
    }

    /// Sends what the socket takes now.
    func send() throws(CoordinationError) {
        guard self.hasUnsent else { return }
        var isDone: Int32 = 0
        guard redisBufferWrite(self.context, &isDone) == REDIS_OK else { throw self.error("the connection broke off") }
        self.hasUnsent = isDone == 0
    }

    /// Reads once, and returns the replies that are complete.
    func receive() throws(CoordinationError) -> [RedisValue] {
        guard redisBufferRead(self.context) == REDIS_OK else { throw self.error("the connection broke off") }
        var values: [RedisValue] = []
        while true {
            var reply: UnsafeMutableRawPointer?
            let result = redisGetReplyFromReader(self.context, &reply)
            defer { freeReplyObject(reply) }
            guard result == REDIS_OK else { throw self.error("the server does not speak the protocol") }
            guard let reply else { return values }
            values.append(RedisValue(reply.assumingMemoryBound(to: redisReply.self)))
        }
    }

    private func error(_ what: String) -> CoordinationError {
        let detail = withUnsafeBytes(of: &self.context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let code: CoordinationError.Code =
            self.context.pointee.err == REDIS_ERR_PROTOCOL ? .unexpectedReply : .unavailable
        return CoordinationError(code, "\(what): \(detail)")
    }
}
