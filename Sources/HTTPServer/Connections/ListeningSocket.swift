import Glibc

/// A socket that listens. Closes itself.
final class ListeningSocket: Sendable {
    let descriptor: Int32
    let port: UInt16

    init(_ configuration: HTTPServerConfiguration) throws(HTTPServerError) {
        let descriptor = socket(
            AF_INET,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard descriptor >= 0 else { throw Self.error(.cannotListen, "socket") }
        do throws(HTTPServerError) {
            self.port = try Self.listen(descriptor, configuration)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    private static func listen(
        _ descriptor: Int32,
        _ configuration: HTTPServerConfiguration
    ) throws(HTTPServerError) -> UInt16 {
        var isOn: Int32 = 1
        // A restart need not wait for the old connections' TIME_WAIT; a port that is listened on stays taken.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = configuration.port.bigEndian
        guard let host = configuration.address, inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw HTTPServerError(.cannotListen, "\(configuration.host) is no IPv4 address")
        }
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
        }
        let place = "\(configuration.host):\(configuration.port)"
        guard isBound, Glibc.listen(descriptor, 1024) == 0 else {
            throw Self.error(errno == EADDRINUSE ? .addressInUse : .cannotListen, place)
        }
        var length = size
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        guard isKnown else { throw Self.error(.cannotListen, place) }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func error(_ code: HTTPServerError.Code, _ what: String) -> HTTPServerError {
        HTTPServerError(code, "cannot listen on \(what): \(String(cString: strerror(errno)))")
    }
}
