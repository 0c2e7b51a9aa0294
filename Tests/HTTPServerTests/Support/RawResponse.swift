/// A response, taken apart by simple means.
struct RawResponse: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// Whether the body came to its declared end.
    var isWhole: Bool

    var text: String { String(decoding: self.body, as: UTF8.self) }

    func header(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Takes one response off the front of `bytes`; `nil` if it is not there yet. Interim responses (1xx) count as one.
    static func take(from bytes: inout [UInt8], isHead: Bool, isClosed: Bool) -> RawResponse? {
        guard let headEnd = Self.find([13, 10, 13, 10], in: bytes, from: 0) else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."), let status = Int(first.dropFirst(9).prefix(3)) else {
            return nil
        }
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (String(line[..<colon]), String(line[colon...].dropFirst().drop { $0 == " " }))
        }
        var response = RawResponse(status: status, headers: headers, body: [], isWhole: true)
        let start = headEnd + 4
        if isHead || status < 200 || status == 204 || status == 304 {
            bytes.removeFirst(start)
            return response
        }
        if response.header("transfer-encoding") == "chunked" {
            return Self.takeChunks(from: &bytes, at: start, into: response, isClosed: isClosed)
        }
        if let length = response.header("content-length").flatMap({ Int($0) }) {
            let isThere = bytes.count >= start + length
            guard isThere || isClosed else { return nil }
            response.isWhole = isThere
            response.body = Array(bytes[start..<min(bytes.count, start + length)])
            bytes.removeFirst(start + response.body.count)
            return response
        }
        guard isClosed else { return nil }
        response.body = Array(bytes[start...])
        bytes = []
        return response
    }

    private static func takeChunks(
        from bytes: inout [UInt8],
        at start: Int,
        into response: RawResponse,
        isClosed: Bool
    ) -> RawResponse? {
        var response = response
        var at = start
        while let lineEnd = Self.find([13, 10], in: bytes, from: at),
            let size = Int(String(decoding: bytes[at..<lineEnd], as: UTF8.self), radix: 16),
            bytes.count >= lineEnd + 2 + size + 2
        {
            response.body += bytes[(lineEnd + 2)..<(lineEnd + 2 + size)]
            at = lineEnd + 2 + size + 2
            if size == 0 {
                bytes.removeFirst(at)
                return response
            }
        }
        guard isClosed else { return nil }
        response.isWhole = false
        bytes = []
        return response
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count, start <= bytes.count - needle.count else { return nil }
        return (start...(bytes.count - needle.count)).first {
            bytes[$0] == needle[0] && bytes[$0...].starts(with: needle)
        }
    }
}
