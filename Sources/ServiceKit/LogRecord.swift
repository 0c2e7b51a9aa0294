import Glibc

/// One line of the log before it is rendered.
struct LogRecord {
    var level: Logger.Level
    var label: String
    var message: StaticString
    var metadata: Logger.Metadata
    /// Nanoseconds since 1970.
    var time: Int64 = LogRecord.now()

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// `2026-11-24T22:52:48.123Z INFO gateway: Listening port=8000`
    func appendText(to line: inout [UInt8]) {
        self.appendTime(to: &line)
        line.append(contentsOf: " \("\(self.level)".uppercased()) \(self.label): ".utf8)
        self.message.withUTF8Buffer { line.append(contentsOf: $0) }
        for (key, value) in self.metadata.sorted(by: { $0.key < $1.key }) {
            line.append(contentsOf: " \(key)=".utf8)
            let isPlain =
                !value.isEmpty && value.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 61 && $0 != 92 && $0 != 127 }
            if isPlain { line.append(contentsOf: value.utf8) } else { Self.appendQuoted(value, to: &line) }
        }
        line.append(10)
    }

    /// `{"time":"…","level":"info","label":"gateway","message":"Listening","metadata":{"port":"8000"}}`
    func appendJSON(to line: inout [UInt8]) {
        line.append(contentsOf: "{\"time\":\"".utf8)
        self.appendTime(to: &line)
        line.append(contentsOf: "\",\"level\":\"\(self.level)\",\"label\":".utf8)
        Self.appendQuoted(self.label, to: &line)
        line.append(contentsOf: ",\"message\":".utf8)
        Self.appendQuoted(self.message.description, to: &line)
        if !self.metadata.isEmpty {
            line.append(contentsOf: ",\"metadata\":{".utf8)
            var isFirst = true
            for (key, value) in self.metadata.sorted(by: { $0.key < $1.key }) {
                if !isFirst { line.append(44) }
                isFirst = false
                Self.appendQuoted(key, to: &line)
                line.append(58)
                Self.appendQuoted(value, to: &line)
            }
            line.append(125)
        }
        line.append(contentsOf: [125, 10])
    }

    /// As a JSON string. A line stays a line, whatever the value holds.
    private static func appendQuoted(_ text: String, to line: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        line.append(34)
        for byte in text.utf8 {
            switch byte {
            case 34, 92: line.append(contentsOf: [92, byte])
            case 10: line.append(contentsOf: [92, 110])
            case 0..<32, 127:
                line.append(contentsOf: "\\u00".utf8)
                line.append(contentsOf: [hex[Int(byte >> 4)], hex[Int(byte & 15)]])
            default: line.append(byte)
            }
        }
        line.append(34)
    }

    private func appendTime(to line: inout [UInt8]) {
        var seconds = time_t(self.time / 1_000_000_000)
        var date = tm()
        gmtime_r(&seconds, &date)
        func append(_ value: Int, _ width: Int) {
            var divisor = width == 4 ? 1000 : width == 3 ? 100 : 10
            while divisor > 0 {
                line.append(UInt8(48 + value / divisor % 10))
                divisor /= 10
            }
        }
        append(Int(date.tm_year) + 1900, 4)
        line.append(45)
        append(Int(date.tm_mon) + 1, 2)
        line.append(45)
        append(Int(date.tm_mday), 2)
        line.append(84)
        append(Int(date.tm_hour), 2)
        line.append(58)
        append(Int(date.tm_min), 2)
        line.append(58)
        append(Int(date.tm_sec), 2)
        line.append(46)
        append(Int(self.time / 1_000_000 % 1000), 3)
        line.append(90)
    }
}
