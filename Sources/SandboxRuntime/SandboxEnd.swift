/// Why a sandbox is dead.
public struct SandboxEnd: Sendable, Equatable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        /// Somebody called ``Sandbox/stop()``.
        case stopped
        /// The agent ended by itself.
        case exited(code: Int32)
        /// The agent, or what holds it, was killed from outside.
        case killed(signal: Int32)
        /// The host took the sandbox's processes because their memory was used up.
        case outOfMemory
        /// What came from inside was not the agent's protocol.
        case protocolViolation
    }

    public var reason: Reason
    /// What was last printed or reported, for operators. May be empty.
    public var detail: String

    public init(reason: Reason, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }

    public var description: String {
        let reason =
            switch self.reason {
            case .stopped: "stopped"
            case .exited(let code): "the agent exited with \(code)"
            case .killed(let signal): "the agent was killed by signal \(signal)"
            case .outOfMemory: "the sandbox ran out of memory"
            case .protocolViolation: "the agent broke the protocol"
            }
        return self.detail.isEmpty ? reason : "\(reason): \(self.detail)"
    }
}
