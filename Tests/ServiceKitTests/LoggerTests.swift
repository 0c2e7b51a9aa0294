import Glibc
import Testing

@testable import ServiceKit

/// A pipe whose writing end a sink gets.
private final class Pipe: Sendable {
    let (reader, writer): (Int32, Int32)

    init() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        (self.reader, self.writer) = (ends[0], ends[1])
    }

    deinit {
        close(self.reader)
        close(self.writer)
    }

    /// Blocks until something is there. Only for what was flushed.
    func read() -> String {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(self.reader, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

@Suite struct LoggerTests {
    private let pipe = Pipe()

    /// What a logger writes, times left out.
    private func lines(
        _ format: LogSink.Format = .text,
        level: Logger.Level = .info,
        _ body: (inout Logger) -> Void
    ) -> [String] {
        let sink = LogSink(format: format, descriptor: self.pipe.writer)
        var logger = Logger(label: "gateway", level: level, sink: sink)
        body(&logger)
        logger.critical("End")
        sink.flush(timeout: .seconds(30))
        let all = self.pipe.read().split(separator: "\n").map(String.init)
        return all.dropLast().map { format == .text ? String($0.dropFirst(25)) : $0 }
    }

    @Test func writesAPhraseWithDataBesideIt() {
        let lines = self.lines { logger in
            logger.info("Listening", metadata: ["port": "8000", "host": "a b"])
            logger[metadataKey: "job.id"] = "7"
            logger.error("Job failed", metadata: ["error": "x=\"1\"\nINFO forged", "job.id": "8"])
            logger.warning("Again", metadata: ["empty": ""])
        }
        #expect(
            lines == [
                #"INFO gateway: Listening host="a b" port=8000"#,
                #"ERROR gateway: Job failed error="x=\"1\"\nINFO forged" job.id=8"#,
                #"WARNING gateway: Again empty="" job.id=7"#,
            ]
        )
    }

    @Test func writesObjects() {
        let lines = self.lines(.json) { logger in
            logger.info("Said \"yes\"", metadata: ["b": "\u{1}\t", "a": "ä"])
            logger.notice("Bare")
        }
        #expect(lines.count == 2)
        #expect(
            lines.first?.dropFirst(34)
                == #","level":"info","label":"gateway","message":"Said \"yes\"","metadata":{"a":"ä","b":"\u0001\u0009"}}"#
        )
        #expect(lines.last?.dropFirst(34) == #","level":"notice","label":"gateway","message":"Bare"}"#)
    }

    @Test func startsWithTheTimeInUTC() {
        var line: [UInt8] = []
        let time: Int64 = 1_764_018_228_123_456_789
        LogRecord(level: .info, label: "a", message: "b", metadata: [:], time: time).appendText(to: &line)
        #expect(String(decoding: line, as: UTF8.self) == "2025-11-24T21:03:48.123Z INFO a: b\n")
    }

    @Test(arguments: Logger.Level.allCases)
    func leavesOutWhatIsBelowItsLevel(_ level: Logger.Level) {
        let computed = Locked(0)
        let lines = self.lines(level: level) { logger in
            for other in Logger.Level.allCases {
                logger.log(
                    other,
                    "Line",
                    metadata: {
                        computed.withLock { $0 += 1 }
                        return [:]
                    }()
                )
            }
        }
        let expected = Logger.Level.allCases.filter { $0 >= level }.count
        #expect(lines.count == expected)
        #expect(computed.withLock { $0 } == expected)
    }

    @Test func copiesDoNotChangeTheOriginal() {
        let lines = self.lines { logger in
            var copy = logger.labeled("worker")
            copy[metadataKey: "a"] = "1"
            copy.logLevel = .error
            copy.info("Hidden")
            copy.error("Copy")
            logger.info("Original")
        }
        #expect(lines == ["ERROR worker: Copy a=1", "INFO gateway: Original"])
    }

    @Test(arguments: [("info", Logger.Level.info), ("WARNING", .warning), ("Trace", .trace), ("loud", nil), ("", nil)])
    func readsTheNameOfALevel(_ name: String, _ level: Logger.Level?) {
        #expect(Logger.Level(name: name) == level)
    }

    @Test func dropsAndCountsWhatDoesNotFit() throws {
        // Nobody reads: the pipe fills up, then the buffer; who logs is never held up.
        let sink = LogSink(descriptor: self.pipe.writer, capacity: 4096)
        let logger = Logger(label: "x", level: .info, sink: sink)
        for _ in 0..<5000 { logger.info("A line of some length that will not fit", metadata: ["k": "0123456789"]) }
        try #require(sink.dropped > 3000)
        let dropped = sink.dropped
        var text = ""
        while !text.contains("Lines dropped") { text += self.pipe.read() }
        // The rest finds room now. It must not be on its way when the descriptor's number is somebody else's.
        sink.flush(timeout: .seconds(30))
        #expect(text.contains("lines="))
        #expect(sink.dropped == dropped)
    }

    @Test func aClosedDescriptorNeitherStopsNorEndsTheProgram() {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.writer)
        shutdownReader(of: pipe)
        let logger = Logger(label: "x", level: .info, sink: sink)
        logger.info("Nobody reads")
        sink.flush(timeout: .seconds(30))
        #expect(sink.dropped >= 1)
    }

    /// Replaces the reading end, so that the pipe has none and the class may still close its descriptor.
    private func shutdownReader(of pipe: Pipe) {
        let null = open("/dev/null", O_RDONLY)
        dup2(null, pipe.reader)
        close(null)
    }

    @Test func lettingGoOfTheSinkWritesWhatIsBuffered() {
        Logger(label: "x", level: .info, sink: LogSink(descriptor: self.pipe.writer)).info("Last words")
        #expect(self.pipe.read().hasSuffix("INFO x: Last words\n"))
    }

    @Test func disabledWritesNothing() {
        Logger.disabled.critical("Unheard")
        Logger.disabled.info("Unheard", metadata: { fatalError("computed for nobody") }())
    }
}
