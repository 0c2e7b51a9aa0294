import Glibc
import ServiceKit

/// Greets clients as Redis does, and then answers whatever comes with the same bytes.
final class ScriptedRedis: Sendable {
    /// What happens after the answer.
    enum Afterwards: Sendable { case goesOn, hangsUp }

    let port: UInt16
    private let listener: Int32

    init(answering answer: String, _ afterwards: Afterwards = .goesOn) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listens = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, pointer, &size) == 0
            }
        }
        guard listener >= 0, listens else { throw ScriptedRedisError(errno: errno) }
        (self.listener, self.port) = (listener, UInt16(bigEndian: address.sin_port))
        try DedicatedThread.start(name: "scripted-redis") {
            while case let client = accept(listener, nil, nil), client >= 0 {
                Self.serve(client, Array(answer.utf8), afterwards)
                close(client)
            }
            close(listener)
        }
    }

    deinit { shutdown(self.listener, Int32(SHUT_RDWR)) }

    var url: String { "redis://127.0.0.1:\(self.port)" }

    private static func serve(_ client: Int32, _ answer: [UInt8], _ afterwards: Afterwards) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let greeting = Array("+PONG\r\n".utf8)
        guard read(client, &buffer, buffer.count) > 0 else { return }
        _ = send(client, greeting, greeting.count, Int32(MSG_NOSIGNAL))
        while read(client, &buffer, buffer.count) > 0 {
            _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
            if case .hangsUp = afterwards { return }
        }
    }
}

struct ScriptedRedisError: Error { var errno: Int32 }
