import Testing

/// Bytes that a client sends, and what must come of it.
struct StrictCase: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Equatable {
        /// This status, and the connection goes on.
        case answers(Int)
        /// This status with our JSON, then the connection is closed.
        case refuses(Int)
        /// This status by the library itself, whose page is not JSON, then the connection is closed.
        case libraryRefuses(Int)
        /// Closed without a word.
        case closes
    }

    let name: String
    let bytes: [UInt8]
    let outcome: Outcome
    /// What the answer's body must hold.
    let holds: String

    var testDescription: String { self.name }

    init(_ name: String, _ bytes: [UInt8], _ outcome: Outcome, holds: String = "") {
        self.name = name
        self.bytes = bytes
        self.outcome = outcome
        self.holds = holds
    }

    init(_ name: String, _ text: String, _ outcome: Outcome, holds: String = "") {
        self.init(name, Array(text.utf8), outcome, holds: holds)
    }

    /// A GET with these header lines.
    static func get(_ name: String, _ lines: String, _ outcome: Outcome, holds: String = "") -> StrictCase {
        StrictCase(name, "GET /echo HTTP/1.1\r\nHost: a\r\n\(lines)\r\n", outcome, holds: holds)
    }

    /// A POST with these header lines and this body.
    static func post(_ name: String, _ lines: String, _ body: String, _ outcome: Outcome, holds: String = "")
        -> StrictCase
    {
        StrictCase(name, "POST /echo HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\(body)", outcome, holds: holds)
    }

    /// A POST with a chunked body, as it is on the wire.
    static func chunked(_ name: String, _ body: String, _ outcome: Outcome, holds: String = "") -> StrictCase {
        .post(name, "Transfer-Encoding: chunked\r\n", body, outcome, holds: holds)
    }

    /// A request line alone.
    static func line(_ name: String, _ line: String, _ outcome: Outcome, holds: String = "") -> StrictCase {
        StrictCase(name, "\(line)\r\nHost: a\r\n\r\n", outcome, holds: holds)
    }
}
