import CSystem
import Glibc
import ServiceKit

/// The processes of one sandbox as the host sees them: bwrap, which waits outside, and the agent, which is PID 1 inside.
///
/// With the agent, the kernel ends everything in the sandbox; its descriptor becomes readable when all of that is gone.
final class SandboxProcesses: Sendable {
    private struct State {
        var monitor: Reactor.Registration?
        var isMonitorGone = false
        var agent: FileDescriptor?
        var isAgentGone = false
        var info: Reactor.Registration?
        var output: Reactor.Registration?
        var infoText: [UInt8] = []
        /// The last of what bwrap and the agent printed.
        var printed: [UInt8] = []
        var status: SandboxEnd.Reason?
        var isKilled = false
        var isReported = false
    }

    private static let printedLimit = 4096

    private let reactor: Reactor
    private let child: Launcher.Child
    private let state = Locked(State())
    /// Called once, when every process is gone.
    private let onGone: @Sendable (SandboxEnd) -> Void

    init(reactor: Reactor, child: Launcher.Child, onGone: @escaping @Sendable (SandboxEnd) -> Void) {
        self.reactor = reactor
        self.child = child
        self.onGone = onGone
    }

    /// Host pid of the agent, once bwrap has told it.
    var agentProcessID: Int32? { Self.childProcessID(in: self.state.withLock { $0.infoText }) }

    /// The last that was printed, at most 4 KiB.
    var printed: String {
        let bytes = self.state.withLock { $0.printed }
        return String(decoding: bytes, as: UTF8.self).trimmed
    }

    /// Begins to watch. If it throws, the child is killed and reaped in any case.
    func open() throws(RuntimeError) {
        do throws(RuntimeError) {
            let output = try self.reactor.watch(self.child.output, for: .readable) { _ in self.readOutput() }
            self.state.withLock { $0.output = output }
            let info = try self.reactor.watch(self.child.info, for: .readable) { _ in self.readInfo() }
            self.state.withLock { $0.info = info }
            let monitor = try self.reactor.watch(self.child.process, for: .readable) { _ in self.monitorEnded() }
            let isLate = self.state.withLock { state in
                state.monitor = monitor
                return state.isReported
            }
            if isLate { self.stopReading() }
        } catch {
            self.stopReading()
            _ = csr_pidfd_signal(self.child.process.number, SIGKILL)
            var (isSignaled, status): (Int32, Int32) = (0, 0)
            while csr_pidfd_reap(self.child.process.number, &isSignaled, &status) == 0 { usleep(200) }
            throw error
        }
    }

    /// Kills everything; ``onGone`` follows.
    func kill() {
        let agent = self.state.withLock { state in
            state.isKilled = true
            return state.isAgentGone ? nil : state.agent
        }
        // With the agent known bwrap is left to reap it and to tell how it ended.
        _ = csr_pidfd_signal((agent ?? self.child.process).number, SIGKILL)
    }

    private func readOutput() {
        let (bytes, isAtEnd) = Self.drain(self.child.output)
        let ended: Reactor.Registration? = self.state.withLock { state in
            state.printed += bytes
            if state.printed.count > Self.printedLimit {
                state.printed.removeFirst(state.printed.count - Self.printedLimit)
            }
            guard isAtEnd else { return nil }
            defer { state.output = nil }
            return state.output
        }
        if let ended { self.reactor.stop(ended) }
    }

    private func readInfo() {
        let (bytes, isAtEnd) = Self.drain(self.child.info)
        let (text, isComplete, isNew) = self.state.withLock { state in
            // A few lines; whatever comes beyond them is not bwrap's.
            if state.infoText.count < 4096 { state.infoText += bytes }
            return (state.infoText, isAtEnd || state.infoText.contains(UInt8(ascii: "}")), state.agent == nil)
        }
        guard isComplete else { return }
        if isNew, let pid = Self.childProcessID(in: text) { self.watchAgent(pid) }
        let info = self.state.withLock { state in
            defer { state.info = nil }
            return state.info
        }
        if let info { self.reactor.stop(info) }
    }

    private func watchAgent(_ pid: Int32) {
        let number = csr_pidfd_open(pid)
        guard number >= 0 else { return }
        let agent = FileDescriptor(number)
        // Its number could have gone to another process, had it ended already: only bwrap's own child is it.
        guard Self.parent(of: pid) == self.child.pid else { return }
        let isKilled = self.state.withLock { state in
            state.agent = agent
            return state.isKilled
        }
        do throws(RuntimeError) {
            let watch = Locked<Reactor.Registration?>(nil)
            let registration = try self.reactor.watch(agent, for: .readable) { _ in
                if let registration = watch.withLock({ $0 }) { self.reactor.stop(registration) }
                self.agentEnded()
            }
            watch.withLock { $0 = registration }
            if isKilled { _ = csr_pidfd_signal(number, SIGKILL) }
        } catch {
            // Without a watch on it, it cannot be let live; its end then shows by that of bwrap alone.
            self.state.withLock { $0.isAgentGone = true }
            _ = csr_pidfd_signal(number, SIGKILL)
        }
    }

    private func monitorEnded() {
        var (isSignaled, status): (Int32, Int32) = (0, 0)
        let result = csr_pidfd_reap(self.child.process.number, &isSignaled, &status)
        // Below 0 if somebody else reaped it, which nobody should: then how it ended is lost.
        guard result != 0 else { return }
        // What it wrote before it ended is still there.
        self.readInfo()
        self.readOutput()
        let agent = self.state.withLock { state in
            if state.status == nil {
                // bwrap ends as its child did, in the way of a shell.
                state.status =
                    if result < 0 {
                        .exited(code: -1)
                    } else if isSignaled != 0 {
                        .killed(signal: status)
                    } else if status > 128 {
                        .killed(signal: status - 128)
                    } else {
                        .exited(code: status)
                    }
            }
            state.isMonitorGone = true
            return state.isAgentGone ? nil : state.agent
        }
        if let agent { _ = csr_pidfd_signal(agent.number, SIGKILL) }
        self.reportIfGone()
    }

    private func agentEnded() {
        self.state.withLock { $0.isAgentGone = true }
        self.reportIfGone()
    }

    private func reportIfGone() {
        let end: SandboxEnd? = self.state.withLock { state in
            guard state.isMonitorGone, state.agent == nil || state.isAgentGone, !state.isReported else { return nil }
            state.isReported = true
            let printed = String(decoding: state.printed, as: UTF8.self).trimmed
            return SandboxEnd(reason: state.status ?? .exited(code: -1), detail: printed)
        }
        guard let end else { return }
        self.stopReading()
        self.onGone(end)
    }

    private func stopReading() {
        let registrations = self.state.withLock { state in
            defer { (state.info, state.output, state.monitor) = (nil, nil, nil) }
            return [state.info, state.output, state.monitor].compactMap { $0 }
        }
        for registration in registrations { self.reactor.stop(registration) }
    }

    private static func drain(_ descriptor: FileDescriptor) -> (bytes: [UInt8], isAtEnd: Bool) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        // Bounded, so that a chatty one cannot hold the reactor; what is left is reported again.
        for _ in 0..<16 {
            let count = Glibc.read(descriptor.number, &chunk, chunk.count)
            if count == 0 { return (bytes, true) }
            guard count > 0 else { return (bytes, errno != EAGAIN && errno != EINTR) }
            bytes += chunk[0..<count]
        }
        return (bytes, false)
    }

    /// From `{ "child-pid": 123, … }`.
    static func childProcessID(in info: [UInt8]) -> Int32? {
        let text = String(decoding: info, as: UTF8.self)
        guard let key = text.firstRange(of: "\"child-pid\":") else { return nil }
        return Int32(text[key.upperBound...].drop { $0 == " " }.prefix { $0.isNumber })
    }

    private static func parent(of pid: Int32) -> Int32? {
        // After the name, which may hold anything: state, then the parent.
        guard let stat = TextFile.read("/proc/\(pid)/stat"), let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[name...].split(separator: " ")
        return fields.count > 2 ? Int32(fields[2]) : nil
    }
}

extension String {
    /// Without white space at either end.
    package var trimmed: String {
        let front = self.drop(while: \.isWhitespace)
        return String(front.reversed().drop(while: \.isWhitespace).reversed())
    }
}
