import CSystem
import Glibc

/// Where the agent's host is.
enum HostAddress {
    /// A connection that is there, and ends once.
    case inherited(Descriptor)
    /// A socket that a host makes, each time that one starts.
    case path(String, patience: Duration)

    /// - Parameter arguments: Of the program, without its name; `nil` if they are none.
    init?(arguments: ArraySlice<String>) {
        let arguments = Array(arguments)
        switch arguments.first {
        case "--fd" where arguments.count == 2:
            guard let number = Int32(arguments[1]), number > 2 else { return nil }
            self = .inherited(Descriptor(number))
        case "--connect" where arguments.count == 3:
            guard arguments[1].hasPrefix("/"), let seconds = Int(arguments[2]), seconds > 0 else { return nil }
            self = .path(arguments[1], patience: .seconds(seconds))
        default: return nil
        }
    }

    /// Whether another connection may follow the first.
    var isLasting: Bool {
        if case .path = self { true } else { false }
    }

    /// Blocks until there is a connection.
    ///
    /// - Throws: ``AgentError/Code/hostGone`` if no host has come in time.
    func connect() throws(AgentError) -> Descriptor {
        switch self {
        case .inherited(let descriptor):
            csa_set_close_on_exec(descriptor.number)
            return descriptor
        case .path(let path, let patience):
            return try Self.connect(to: path, patience: patience)
        }
    }

    private static func connect(to path: String, patience: Duration) throws(AgentError) -> Descriptor {
        let deadline = MonotonicClock.instant(MonotonicClock.now, plus: patience)
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        // From before the first try on, so that no host is missed. Without it the socket is looked for now and then.
        let number = csa_watch_directory(directory)
        let watch = number >= 0 ? Descriptor(number) : nil
        let interval: Int64 = watch == nil ? 100 : 5000
        while true {
            let socket = csa_connect(path)
            if socket >= 0 { return Descriptor(socket) }
            guard [ENOENT, ECONNREFUSED, EAGAIN, EINTR].contains(-socket) else {
                throw AgentError(errno: -socket, in: "connecting to the host at \(path)")
            }
            let left = (deadline - MonotonicClock.now) / 1_000_000
            guard left > 0 else { throw AgentError(.hostGone, "no host has come for \(patience)") }
            csa_await_directory(watch?.number ?? -1, Int32(clamping: min(left, interval)))
        }
    }
}
