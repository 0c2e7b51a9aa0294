import Glibc

/// The descriptors to wait for, and which of them have something.
struct PollSet {
    struct Source: OptionSet {
        let rawValue: UInt8

        static let host = Source(rawValue: 1)
        static let hostOutput = Source(rawValue: 2)
        static let children = Source(rawValue: 4)
        static let zygote = Source(rawValue: 8)
        static let channel = Source(rawValue: 16)
        static let channelOutput = Source(rawValue: 32)
        /// Of the program, either stream.
        static let output = Source(rawValue: 64)
    }

    private var entries: [pollfd] = []
    private var sources: [Source] = []
    private var ready: Source = []

    mutating func removeAll() {
        self.entries.removeAll(keepingCapacity: true)
        self.sources.removeAll(keepingCapacity: true)
    }

    mutating func add(_ source: Source, _ descriptor: Int32, _ events: Int32) {
        self.entries.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
        self.sources.append(source)
    }

    /// Waits until something is there or the instant has come (``MonotonicClock``; `Int64.max`: none).
    mutating func wait(until deadline: Int64) {
        var milliseconds: Int32 = -1
        if deadline != .max {
            // Rounded up, so that the instant has come when the wait is over.
            milliseconds = Int32(clamping: max(0, deadline - MonotonicClock.now + 999_999) / 1_000_000)
        }
        let count = poll(&self.entries, nfds_t(self.entries.count), milliseconds)
        self.ready = []
        guard count > 0 else { return }
        for (index, entry) in self.entries.enumerated() where entry.revents != 0 {
            self.ready.formUnion(self.sources[index])
        }
    }

    func isReady(_ source: Source) -> Bool { self.ready.contains(source) }
}
