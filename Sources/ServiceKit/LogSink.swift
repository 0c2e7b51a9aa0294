import Glibc

/// Takes rendered lines into a bounded buffer, which a thread of its own writes to a descriptor.
///
/// Who logs never waits for the descriptor. A line that does not fit is dropped; how many were is written, and counted
/// in ``dropped``. The thread sleeps while there is nothing to write. Letting go of the sink writes what is buffered.
public final class LogSink: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// For people: `time LEVEL label: message key=value`.
        case text
        /// For collectors: an object a line.
        case json
    }

    /// Text on descriptor 2; the thread starts with the first use.
    public static let standardError = LogSink()

    private let format: Format
    private let buffer: LogBuffer

    /// - Parameters:
    ///   - descriptor: Is not closed by the sink. Defaults to standard error.
    ///   - capacity: Bytes that may wait to be written. Defaults to 1 MiB.
    public init(format: Format = .text, descriptor: Int32 = 2, capacity: Int = 1 << 20) {
        self.format = format
        self.buffer = LogBuffer(format: format, descriptor: descriptor, capacity: capacity)
        self.buffer.start()
    }

    deinit { self.buffer.close() }

    /// Lines lost since the start, because the buffer was full or the descriptor refused them.
    public var dropped: Int { self.buffer.dropped }

    /// Blocks until what was logged before is written, at most `timeout`: for the moment before a process ends.
    public func flush(timeout: Duration = .seconds(1)) { self.buffer.flush(timeout: timeout) }

    func write(_ record: LogRecord) {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        switch self.format {
        case .text: record.appendText(to: &line)
        case .json: record.appendJSON(to: &line)
        }
        self.buffer.append(line)
    }
}

/// What a sink shares with its thread, which thereby does not keep the sink alive.
final class LogBuffer: Sendable {
    private struct State: Sendable {
        var bytes: [UInt8] = []
        var lines = 0
        var isClosed = false
        /// Lines in the hands of the thread.
        var isWriting = false
        var dropped = 0
        /// Of `dropped`, those that no line has told of.
        var untold = 0
    }

    private let format: LogSink.Format
    private let descriptor: Int32
    private let capacity: Int
    private let state = Monitor(State())

    init(format: LogSink.Format, descriptor: Int32, capacity: Int) {
        self.format = format
        self.descriptor = descriptor
        self.capacity = capacity
    }

    var dropped: Int { self.state.withLock { $0.dropped } }

    func start() {
        do {
            try DedicatedThread.start(name: "log") { while self.writeOnce() {} }
        } catch {
            // Without a thread the lines could only pile up: from here on they count as dropped.
            self.state.withLock { $0.isClosed = true }
        }
    }

    func append(_ line: [UInt8]) {
        self.state.withLock { state in
            if state.isClosed || state.bytes.count + line.count > self.capacity {
                state.dropped += 1
                state.untold += 1
            } else {
                state.bytes.append(contentsOf: line)
                state.lines += 1
            }
        }
        self.state.broadcast()
    }

    func close() {
        self.state.withLock { $0.isClosed = true }
        self.state.broadcast()
    }

    func flush(timeout: Duration) {
        // That the time ran out changes nothing for the caller, who is about to leave.
        _ = self.state.wait(for: timeout) { $0.bytes.isEmpty && !$0.isWriting ? true : nil }
    }

    /// Runs on the sink's thread. Returns whether there will be more.
    private func writeOnce() -> Bool {
        let (bytes, lines, untold): ([UInt8], Int, Int) = self.state.wait { state in
            guard !state.bytes.isEmpty || state.untold > 0 || state.isClosed else { return nil }
            defer { (state.bytes, state.lines, state.untold) = ([], 0, 0) }
            state.isWriting = true
            return (state.bytes, state.lines, state.untold)
        }
        var all = bytes
        if untold > 0 {
            let record = LogRecord(
                level: .warning,
                label: "log",
                message: "Lines dropped: the log was not written as fast as it came",
                metadata: ["lines": "\(untold)"]
            )
            switch self.format {
            case .text: record.appendText(to: &all)
            case .json: record.appendJSON(to: &all)
            }
        }
        let isWritten = self.writeAll(all)
        let isOver = self.state.withLock { state in
            state.isWriting = false
            if !isWritten { state.dropped += lines }
            return state.isClosed && state.bytes.isEmpty
        }
        self.state.broadcast()
        return !isOver
    }

    /// Signals are blocked on this thread: a closed pipe is an error here, and does not end the process.
    private func writeAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Glibc.write(self.descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                if count >= 0 {
                    offset += count
                } else if errno == EAGAIN {
                    var wanted = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&wanted, 1, -1)
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
    }
}
