import CSystem
import Glibc
import SandboxRuntime
import ServiceKit

/// A socket in a container's directory on which its agent calls.
///
/// It is there only while an agent is awaited: when somebody was let in, the socket and its name are gone.
final class AgentListener: Sendable {
    /// Who calls, as the kernel says.
    struct Caller: Sendable {
        var socket: FileDescriptor
        /// 0 if it is in a PID namespace that we do not see.
        var processID: Int32
        var user: UInt32
    }

    private struct State {
        var registration: Reactor.Registration?
        var isClosed = false
    }

    private let directory: String
    private let reactor: Reactor
    private let state = Locked(State())

    /// - Parameter admit: Called on the reactor's thread; whoever it refuses is sent away, and the next is awaited.
    static func open(
        in directory: String,
        for owner: FileOwner?,
        reactor: Reactor,
        admit: @escaping @Sendable (Caller) -> Bool
    ) throws(RuntimeError) -> AgentListener {
        let number = csr_listen(directory, owner.map { Int64($0.user) } ?? -1, owner.map { Int64($0.group) } ?? -1)
        guard number >= 0 else {
            throw RuntimeError(.fileFailed, "cannot listen in \(directory)", cause: SystemError.last(in: "bind"))
        }
        let listener = AgentListener(directory: directory, reactor: reactor)
        let socket = FileDescriptor(number)
        let registration = try reactor.watch(socket, for: .readable) { [listener] _ in
            listener.accept(on: socket, admit)
        }
        // Somebody may have been let in already.
        let isClosed = listener.state.withLock { state in
            state.registration = registration
            return state.isClosed
        }
        if isClosed { listener.close() }
        return listener
    }

    private init(directory: String, reactor: Reactor) {
        self.directory = directory
        self.reactor = reactor
    }

    /// Lets nobody in any more. May be called again.
    func close() {
        let registration = self.state.withLock { state in
            state.isClosed = true
            defer { state.registration = nil }
            return state.registration
        }
        guard let registration else { return }
        self.reactor.stop(registration)
        // It may be gone with the whole directory.
        _ = csr_unlisten(self.directory)
    }

    private func accept(on socket: FileDescriptor, _ admit: (Caller) -> Bool) {
        guard !self.state.withLock({ $0.isClosed }) else { return }
        var (processID, user): (Int32, UInt32) = (0, 0)
        let number = csr_accept(socket.number, &processID, &user)
        // Whoever called has gone already, or there is no descriptor: the caller then calls again.
        guard number >= 0 else { return }
        let caller = Caller(socket: FileDescriptor(number), processID: processID, user: user)
        if admit(caller) { self.close() }
    }
}
