import Glibc
import ServiceKit

/// Ports of 127.0.0.1 that stay free while their server is down: the kernel gives none of them to a client.
public enum LoopbackPorts {
    private static let given = Locked(Set<UInt16>())

    /// An even port, with the next one free as well, that was not given before.
    public static func take() throws -> UInt16 {
        // Below the kernel's own range, which begins at 32768.
        for _ in 0..<1000 {
            let port = UInt16.random(in: 10_000..<16_000) * 2
            let isNew = self.given.withLock { $0.insert(port).inserted }
            if isNew, self.isFree(port), self.isFree(port + 1) { return port }
        }
        throw TestServerError("no free port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
