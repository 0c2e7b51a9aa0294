import Glibc
import ServiceKit

/// A server that answers what a closure says, byte for byte, over blocking sockets on threads of its own.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        var head: String
        var body: [UInt8]
        /// Of this connection, counted from 1.
        var number: Int
        var connection: Int

        var line: String { self.head.split(separator: "\r\n").first.map(String.init) ?? "" }

        func header(_ name: String) -> String? {
            self.head.split(separator: "\r\n").dropFirst().first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { $0.drop { $0 != ":" }.dropFirst().trimming() }
        }
    }

    /// Lent to the closure to answer on; blocking.
    struct Connection: Sendable {
        let descriptor: Int32

        @discardableResult
        func write(_ text: String) -> Bool { self.write(Array(text.utf8)) }

        @discardableResult
        func write(_ bytes: [UInt8]) -> Bool {
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    send(
                        self.descriptor,
                        $0.baseAddress?.advanced(by: offset),
                        bytes.count - offset,
                        Int32(MSG_NOSIGNAL)
                    )
                }
                if count <= 0 { return false }
                offset += count
            }
            return true
        }

        func answer(_ status: String = "200 OK", _ body: String = "", headers: String = "") {
            self.write("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
        }

        /// Blocks until the client has gone.
        func waitForEnd() {
            var byte: UInt8 = 0
            while recv(self.descriptor, &byte, 1, 0) > 0 {}
        }
    }

    /// Returns whether the connection stays open.
    typealias Script = @Sendable (Request, Connection) -> Bool

    private let listener: Int32
    let port: Int
    private let connections = Locked(0)

    /// Connections taken so far.
    var connectionCount: Int { self.connections.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(self.port)" }

    struct Failure: Error { var errno: Int32 }

    /// - Parameter path: Of a Unix socket to listen on; `nil` takes a free port of the loopback.
    init(path: String? = nil, _ script: @escaping Script) throws {
        let listener = socket(path == nil ? AF_INET : AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var bound: Int32 = -1
        if let path {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix(107)) + [0]) }
            bound = Self.bind(listener, &address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            bound = Self.bind(listener, &address)
        }
        guard bound == 0, listen(listener, 64) == 0 else { throw Failure(errno: errno) }
        var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        self.listener = listener
        let connections = self.connections
        try DedicatedThread.start(name: "test-accept") {
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let number = connections.withLock { count in
                    count += 1
                    return count
                }
                // A refused thread shows as a connection that is closed at once.
                do {
                    try DedicatedThread.start(name: "test-serve") { Self.serve(descriptor, number, script) }
                } catch {
                    close(descriptor)
                }
            }
        }
    }

    deinit {
        // Wakes the accepting thread, which a plain close would not.
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
    }

    private static func bind<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    private static func serve(_ descriptor: Int32, _ connection: Int, _ script: Script) {
        defer { close(descriptor) }
        var buffer: [UInt8] = []
        var number = 0
        while true {
            while buffer.firstRange(of: [13, 10, 13, 10]) == nil {
                guard Self.fill(&buffer, descriptor) else { return }
            }
            guard let end = buffer.firstRange(of: [13, 10, 13, 10]) else { return }
            number += 1
            var request = Request(head: "", body: [], number: number, connection: connection)
            request.head = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
            buffer.removeSubrange(..<end.upperBound)
            let length = Int(request.header("Content-Length") ?? "0") ?? 0
            while buffer.count < length { guard Self.fill(&buffer, descriptor) else { return } }
            request.body = Array(buffer[..<length])
            buffer.removeSubrange(..<length)
            guard script(request, Connection(descriptor: descriptor)) else { return }
        }
    }

    private static func fill(_ buffer: inout [UInt8], _ descriptor: Int32) -> Bool {
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { return false }
        buffer.append(contentsOf: piece[..<count])
        return true
    }
}

extension Substring {
    fileprivate func trimming() -> String { self.split(separator: " ").joined(separator: " ") }
}
