import AgentProtocol
import CSystem
import Glibc
import ServiceKit

/// The socket to one agent: frames in on the reactor's thread, frames out from whoever has one.
final class AgentConnection: Sendable {
    enum Event: Sendable {
        case message(AgentMessage)
        /// The stream makes no sense; nothing more is read.
        case broken(ProtocolError)
        /// The other side is gone; nothing more comes.
        case closed
    }

    private struct State {
        var decoder = FrameDecoder()
        /// What the socket had no room for.
        var outgoing: ArraySlice<UInt8> = []
        var registration: Reactor.Registration?
        var isClosed = false
    }

    private let reactor: Reactor
    private let state = Locked(State())
    private let onEvent: @Sendable (Event) -> Void

    init(reactor: Reactor, onEvent: @escaping @Sendable (Event) -> Void) {
        self.reactor = reactor
        self.onEvent = onEvent
    }

    /// Begins to read. Events may come before it returns.
    func open(_ socket: FileDescriptor) throws(RuntimeError) {
        let registration = try self.reactor.watch(socket, for: .readable) { [weak self] readiness in
            self?.handle(readiness, socket)
        }
        let isLate = self.state.withLock { state in
            if !state.isClosed { state.registration = registration }
            return state.isClosed
        }
        if isLate { self.reactor.stop(registration) }
    }

    /// Writes a frame, now or as soon as the agent takes it. Never blocks; one for an agent that is gone is dropped.
    func send(_ frame: [UInt8]) {
        // Under the lock, or frames of two callers would mix: the calls do not block.
        self.state.withLock { state in
            guard let registration = state.registration else { return }
            guard state.outgoing.isEmpty else {
                state.outgoing += frame
                return
            }
            let sent = Self.write(frame[...], to: registration.descriptor)
            guard sent < frame.count else { return }
            state.outgoing = frame[sent...]
            self.reactor.change(registration, to: [.readable, .writable])
        }
    }

    /// Closes our side. No event comes after it but one that is on its way.
    func close() {
        let registration = self.state.withLock { state in
            state.isClosed = true
            state.outgoing = []
            defer { state.registration = nil }
            return state.registration
        }
        if let registration { self.reactor.stop(registration) }
    }

    private func handle(_ readiness: Reactor.Readiness, _ socket: FileDescriptor) {
        if readiness.contains(.writable) { self.flush() }
        guard !readiness.isDisjoint(with: [.readable, .hangup]) else { return }
        var isAtEnd = false
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            let count = csr_receive(socket.number, buffer.baseAddress, UInt64(buffer.count))
            if count > 0 {
                self.take(UnsafeRawBufferPointer(start: buffer.baseAddress, count: Int(count)))
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                isAtEnd = true
            }
        }
        guard isAtEnd else { return }
        self.close()
        self.onEvent(.closed)
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        var events: [Event] = []
        self.state.withLock { state in
            state.decoder.append(bytes)
            do throws(ProtocolError) {
                while let frame = try state.decoder.next() {
                    do throws(ProtocolError) {
                        events.append(.message(try AgentMessage(decoding: frame)))
                    } catch {
                        // A newer agent may say more than we know.
                        guard error.code == .unknownKind else { throw error }
                    }
                }
            } catch {
                events.append(.broken(error))
            }
        }
        for event in events {
            if case .broken = event { self.close() }
            self.onEvent(event)
        }
    }

    private func flush() {
        self.state.withLock { state in
            guard let registration = state.registration else { return }
            state.outgoing = state.outgoing.dropFirst(Self.write(state.outgoing, to: registration.descriptor))
            guard state.outgoing.isEmpty else { return }
            state.outgoing = []
            self.reactor.change(registration, to: .readable)
        }
    }

    /// Bytes that the socket took. An error is that of a closed socket, which the reading side notices: as if sent.
    private static func write(_ bytes: ArraySlice<UInt8>, to socket: FileDescriptor) -> Int {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                csr_send(socket.number, buffer.baseAddress?.advanced(by: done), UInt64(buffer.count - done))
            }
            if count >= 0 {
                done += Int(count)
            } else if errno == EAGAIN {
                return done
            } else if errno != EINTR {
                return bytes.count
            }
        }
        return done
    }
}
