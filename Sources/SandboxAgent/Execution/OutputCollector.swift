import AgentProtocol
import Glibc

/// Reads one stream of a program so that it never waits, keeps its beginning and counts the rest.
struct OutputCollector {
    private(set) var pipe: Descriptor?
    private var captured = CapturedOutput()
    private let limit: Int

    init(pipe: Descriptor, limit: Int) {
        self.pipe = pipe
        self.limit = limit
    }

    var output: CapturedOutput { self.captured }

    /// Reads until the pipe is empty or closed, but no more than 64 times: who writes without end must not keep the
    /// agent from its clock.
    mutating func drain(scratch: UnsafeMutableRawBufferPointer) {
        guard let pipe = self.pipe else { return }
        for _ in 0..<64 {
            let count = read(pipe.number, scratch.baseAddress, scratch.count)
            if count > 0 {
                self.captured.totalByteCount += UInt64(count)
                let kept = min(count, self.limit - self.captured.bytes.count)
                if kept > 0 { self.captured.bytes.append(contentsOf: scratch[..<kept]) }
                if count < scratch.count && count < 4096 { continue }
            } else if count < 0 && errno == EINTR {
                continue
            } else {
                if count == 0 || errno != EAGAIN { self.pipe = nil }
                return
            }
        }
    }
}
