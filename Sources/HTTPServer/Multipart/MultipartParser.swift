import CMicrohttpd

/// Takes a `multipart/form-data` body apart, in whatever pieces it comes.
///
/// Memory is bounded by the piece, the longest head and a delimiter. Strict: what looks like a delimiter inside of data
/// (RFC 2046 forbids it) is an error, and errors are final.
struct MultipartParser: Sendable {
    enum Event: Sendable {
        case began(MultipartPart)
        /// Never empty.
        case data([UInt8])
        case ended
    }

    private enum State {
        /// Before the first delimiter. Can transition to: `delimiter`.
        case preamble
        /// What follows a delimiter decides. Can transition to: `head`, `done`.
        case delimiter
        /// Can transition to: `body`.
        case head
        /// Can transition to: `delimiter`.
        case body
        /// After the last delimiter: the rest is ignored. Final.
        case done
    }

    private let delimiter: [UInt8]
    private let maxHead: Int
    private let maxParts: Int
    private var state = State.preamble
    /// The leading line end makes the first delimiter look like all others.
    private var buffer: [UInt8] = [13, 10]
    private var at = 0
    private var parts = 0
    private var preamble = 0
    /// Bytes at the front that belong to the head, kept because an empty body's delimiter begins with them.
    private var skip = 0

    init(boundary: [UInt8], maxHead: Int, maxParts: Int) {
        self.delimiter = [13, 10, 45, 45] + boundary
        self.maxHead = maxHead
        self.maxParts = maxParts
    }

    var isDone: Bool {
        if case .done = self.state { return true }
        return false
    }

    mutating func feed(_ piece: [UInt8]) {
        if self.isDone { return }
        self.buffer.removeFirst(self.at)
        self.at = 0
        self.buffer += piece
    }

    /// What the bytes so far have come to; `nil` if more are needed, or none will come.
    mutating func next() throws(HTTPServerError) -> Event? {
        while true {
            switch self.state {
            case .preamble:
                guard self.skipPreamble() else {
                    guard self.preamble <= self.maxHead else {
                        throw HTTPServerError(.malformedMultipart, "the body does not begin with its boundary")
                    }
                    return nil
                }
            case .delimiter: guard try self.readDelimiterEnd() else { return nil }
            case .head: return try self.readHead().map { .began($0) }
            case .body: return self.readBody()
            case .done: return nil
            }
        }
    }

    private mutating func skipPreamble() -> Bool {
        let start = self.at
        if let found = self.find(self.delimiter) {
            self.at = found + self.delimiter.count
            self.state = .delimiter
            return true
        }
        self.at = max(self.at, self.buffer.count - self.delimiter.count + 1)
        self.preamble += self.at - start
        return false
    }

    private mutating func readDelimiterEnd() throws(HTTPServerError) -> Bool {
        guard self.buffer.count - self.at >= 2 else { return false }
        if self.buffer[self.at] == 45, self.buffer[self.at + 1] == 45 {
            self.state = .done
            self.buffer = []
            self.at = 0
            return true
        }
        // Blanks may stand between a delimiter and its line end; this many are none.
        let end = self.find([13, 10])
        guard self.buffer[self.at..<(end ?? self.buffer.count - 1)].allSatisfy({ $0 == 32 || $0 == 9 }),
            end != nil || self.buffer.count - self.at <= 128
        else { throw HTTPServerError(.malformedMultipart, "something follows a boundary on its line") }
        guard let end else { return false }
        self.parts += 1
        guard self.parts <= self.maxParts else {
            throw HTTPServerError(.limitExceeded, "the form has more than \(self.maxParts) parts")
        }
        // The line end stays: a head without lines is two of them.
        self.at = end
        self.state = .head
        return true
    }

    private mutating func readHead() throws(HTTPServerError) -> MultipartPart? {
        let end = self.find([13, 10, 13, 10])
        guard (end ?? self.buffer.count) - self.at <= self.maxHead else {
            throw HTTPServerError(.limitExceeded, "the head of a part is longer than \(self.maxHead) bytes")
        }
        guard let end else { return nil }
        let part = try MultipartPart(head: self.buffer[min(self.at + 2, end)..<end])
        self.at = end + 2
        self.skip = 2
        self.state = .body
        return part
    }

    private mutating func readBody() -> Event? {
        let found = self.find(self.delimiter)
        // What may be the beginning of a delimiter is kept back.
        let end = found ?? max(self.at, self.buffer.count - self.delimiter.count + 1)
        let skipped = min(self.skip, end - self.at)
        self.skip -= skipped
        let start = self.at + skipped
        self.at = end
        if start < end { return .data(Array(self.buffer[start..<end])) }
        guard let found else { return nil }
        self.at = found + self.delimiter.count
        self.state = .delimiter
        return .ended
    }

    private func find(_ needle: [UInt8]) -> Int? {
        self.buffer.withUnsafeBytes { haystack in
            guard let base = haystack.baseAddress, self.at < haystack.count,
                let found = memmem(base + self.at, haystack.count - self.at, needle, needle.count)
            else { return nil }
            return base.distance(to: UnsafeRawPointer(found))
        }
    }
}
