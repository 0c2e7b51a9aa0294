import AgentProtocol
import Glibc

/// The agent's side of the socket to its host: never blocks, holds what does not fit.
final class HostConnection {
    private let socket: Descriptor
    private var decoder = FrameDecoder()
    private var unsent: [UInt8] = []
    private var sentCount = 0
    private let scratch: UnsafeMutableRawBufferPointer

    /// - Parameter scratch: Is lent for the connection's life and holds nothing between calls.
    init(socket: Descriptor, scratch: UnsafeMutableRawBufferPointer) {
        self.socket = socket
        self.scratch = scratch
    }

    var descriptor: Int32 { self.socket.number }
    var hasUnsent: Bool { !self.unsent.isEmpty }

    /// Reads what is there and returns the messages in it.
    ///
    /// - Throws: ``AgentError`` when the host is gone, or sends what an agent does not understand.
    func receive() throws(AgentError) -> [HostMessage] {
        let count = recv(self.socket.number, self.scratch.baseAddress, self.scratch.count, Int32(MSG_DONTWAIT))
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return [] }
            throw AgentError(.hostGone, "reading from the host: \(String(cString: strerror(errno)))")
        }
        if count == 0 { throw AgentError(.hostGone, "the host closed the connection") }
        self.decoder.append(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]))
        var messages: [HostMessage] = []
        do {
            while let frame = try self.decoder.next() { messages.append(try HostMessage(decoding: frame)) }
        } catch {
            throw AgentError(.protocolBroken, error.message, cause: error)
        }
        return messages
    }

    /// Sends now what the socket takes; the rest goes with ``flush()``.
    func send(_ message: AgentMessage) throws(AgentError) {
        do {
            self.unsent.append(contentsOf: try message.encoded())
        } catch {
            throw AgentError(.protocolBroken, error.message, cause: error)
        }
        try self.flush()
    }

    func flush() throws(AgentError) {
        while self.sentCount < self.unsent.count {
            let count = self.unsent.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[self.sentCount...])
                return Glibc.send(
                    self.socket.number,
                    rest.baseAddress,
                    rest.count,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                )
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
                throw AgentError(.hostGone, "writing to the host: \(String(cString: strerror(errno)))")
            }
            self.sentCount += count
        }
        // A large answer's memory is given back; the agent lives as long as its sandbox.
        self.unsent.removeAll(keepingCapacity: self.unsent.capacity <= 1 << 16)
        self.sentCount = 0
    }
}
