import AgentProtocol
import CSystem
import Glibc

/// One execution from the moment its process has the code: gathers what the process says and used.
struct RunningExecution {
    let request: ExecuteRequest
    let worker: Worker
    let deadline: Int64
    private let start: Int64
    /// CPU time of the process before it had the code, in nanoseconds.
    private let cpuBefore: Int64
    private var unsentOrder: ArraySlice<UInt8>
    /// Whether its channel may still bring something.
    private(set) var isListening: Bool
    private var answerReader: AnswerReader
    private(set) var answer: Answer?
    private(set) var stdout: OutputCollector
    private(set) var stderr: OutputCollector

    init(request: ExecuteRequest, worker: Worker, order: [UInt8]) {
        self.request = request
        self.worker = worker
        self.cpuBefore = worker.channel == nil ? 0 : max(0, csa_process_cpu(worker.pid))
        self.unsentOrder = order[...]
        self.isListening = worker.channel != nil
        self.answerReader = AnswerReader(resultLimit: request.resultLimit)
        self.stdout = OutputCollector(pipe: worker.stdout, limit: request.stdoutLimit)
        self.stderr = OutputCollector(pipe: worker.stderr, limit: request.stderrLimit)
        self.start = MonotonicClock.now
        self.deadline = MonotonicClock.instant(self.start, plus: request.timeout)
        self.sendOrder()
    }

    var hasUnsentOrder: Bool { !self.unsentOrder.isEmpty }

    /// Writes as much of the order as the channel takes.
    mutating func sendOrder() {
        guard let channel = self.worker.channel else { return }
        while !self.unsentOrder.isEmpty {
            let count = self.unsentOrder.withUnsafeBytes {
                send(channel.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count >= 0 {
                self.unsentOrder = self.unsentOrder.dropFirst(count)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // The process has ended or closed its channel: its exit tells how.
                self.unsentOrder = []
            }
        }
    }

    /// Reads what the process says of its end.
    mutating func readChannel(scratch: UnsafeMutableRawBufferPointer) {
        guard let channel = self.worker.channel else { return }
        while self.isListening {
            let count = recv(channel.number, scratch.baseAddress, scratch.count, Int32(MSG_DONTWAIT))
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            guard count > 0 else {
                self.isListening = false
                return
            }
            switch self.answerReader.append(UnsafeRawBufferPointer(rebasing: scratch[..<count])) {
            case .needsMore: break
            case .malformed:
                let text = "the program wrote into the channel of its return value"
                self.answer = Answer(kind: .error, status: 1, payload: Array(text.utf8))
                self.isListening = false
            case .complete(let answer):
                self.answer = answer
                self.isListening = false
            }
        }
    }

    mutating func drainOutput(scratch: UnsafeMutableRawBufferPointer) {
        self.stdout.drain(scratch: scratch)
        self.stderr.drain(scratch: scratch)
    }

    /// What the process used so far. Asked while it lives, or has ended and was not waited for.
    func measure() -> ExecutionMetrics {
        let total = max(0, csa_process_cpu(self.worker.pid))
        let wall = MonotonicClock.now - self.start
        // What the process says of itself is believed within what could be.
        let before = min(max(self.cpuBefore, (self.answer?.earlierCPUMicroseconds ?? 0) * 1000), total)
        let children = min(self.answer?.childCPUMicroseconds ?? 0, wall / 1000 * 64)
        let nanoseconds = total - before
        var metrics = ExecutionMetrics(
            wall: .nanoseconds(wall),
            cpu: .nanoseconds(nanoseconds) + .microseconds(children),
            peakMemoryKiB: UInt64(max(0, csa_process_peak(self.worker.pid)))
        )
        csa_process_io(self.worker.pid, &metrics.ioReadBytes, &metrics.ioWriteBytes)
        return metrics
    }

    /// The report of its end.
    ///
    /// - Parameter reason: Why; `nil` if the process said so itself, with its answer.
    func end(_ reason: EndReason?, metrics: ExecutionMetrics) -> ExecutionEnd {
        var end = ExecutionEnd(
            id: self.request.id,
            reason: reason ?? .exited(code: self.answer?.status ?? 0),
            stdout: self.stdout.output,
            stderr: self.stderr.output,
            metrics: metrics
        )
        if let answer = self.answer, case .exited = end.reason {
            switch answer.kind {
            case .result: end.returnValue = answer.payload
            case .noResult: break
            case .error: end.errorSummary = String(decoding: answer.payload, as: UTF8.self)
            case .tooLarge:
                end.isResultTooLarge = true
                end.errorSummary = String(decoding: answer.payload, as: UTF8.self)
            }
        }
        return end
    }
}
