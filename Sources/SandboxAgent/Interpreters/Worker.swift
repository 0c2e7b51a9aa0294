import CSystem
import Glibc

/// A process that waits for one execution, or runs it, and our ends of its descriptors.
final class Worker {
    let pid: Int32
    /// Orders go in, an answer comes out; `nil` for a shell, which has neither.
    let channel: Descriptor?
    let stdout: Descriptor
    let stderr: Descriptor

    init(pid: Int32, ends: WorkerEnds) {
        self.pid = pid
        self.channel = ends.channel
        self.stdout = ends.stdout
        self.stderr = ends.stderr
    }
}

/// Our ends of the descriptors of a process.
struct WorkerEnds {
    var channel: Descriptor?
    var stdout: Descriptor
    var stderr: Descriptor
}

/// Both ends of the descriptors of a process that is to be started.
struct WorkerPipes {
    let ours: WorkerEnds
    let channel: Descriptor?
    let stdout: Descriptor
    let stderr: Descriptor

    init(hasChannel: Bool) throws(AgentError) {
        let out = try Self.pair("a pipe", csa_open_pipe)
        let err = try Self.pair("a pipe", csa_open_pipe)
        let channel = hasChannel ? try Self.pair("a channel", csa_open_channel) : nil
        self.ours = WorkerEnds(channel: channel?.ours, stdout: out.ours, stderr: err.ours)
        self.channel = channel?.theirs
        self.stdout = out.theirs
        self.stderr = err.theirs
    }

    static func pair(
        _ what: String,
        _ open: (UnsafeMutablePointer<Int32>?) -> Int32
    ) throws(AgentError) -> (ours: Descriptor, theirs: Descriptor) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) { open($0) }
        }
        guard result == 0 else { throw AgentError(errno: -result, in: "opening \(what)") }
        return (Descriptor(ends.0), Descriptor(ends.1))
    }
}
